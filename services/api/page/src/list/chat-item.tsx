import type { Me, Presence } from "@confab/contracts";
import type { ChatState } from "@confab/sdk";
import { openChatMenu } from "../about/chat-menu.tsx";
import { Avatar } from "../parts/avatar.tsx";
import { Icon } from "../parts/icon.tsx";
import { memo } from "../parts/memo.ts";
import { useNames } from "../people.ts";
import { hrefOf } from "../place.ts";
import { howFar, tickOf } from "../talk/how-far.ts";
import { Ticks } from "../talk/ticks.tsx";
import { briefly, inFuture } from "../time.ts";
import { activeAt, titleOf } from "./order.ts";

interface Props {
  me: Me;
  state: ChatState;
  peer: string | undefined;
  presence: Presence | undefined;
  draft: string;
  current: boolean;
}

export const ChatItem = memo(function ({ me, state, peer, presence, draft, current }: Props) {
  const { chat } = state;
  const title = titleOf(chat, peer);
  const muted = inFuture(chat.me.mutedUntil);
  const unread = chat.unreadCount > 0 || chat.me.markedUnread;
  return (
    <li class="chat-row">
      <a
        href={hrefOf({ chatId: chat.id })}
        class={`chat ${unread ? "unread" : ""}`}
        data-testid="chat-item"
        aria-current={current ? "page" : undefined}
      >
        <Avatar id={chat.peerId ?? chat.id} name={title === "…" ? "" : title} presence={presence} />
        <span class="chat-text">
          <span class="chat-top">
            <b class="chat-title">{title}</b>
            {muted && <Icon name="mute" label="muted" />}
            {chat.me.pinned && <Icon name="pin" label="pinned" />}
            <time class="quiet" dateTime={activeAt(state)}>
              {briefly(activeAt(state))}
            </time>
          </span>
          <span class="chat-top">
            <Last me={me} state={state} draft={draft} />
            {chat.unreadMentions > 0 && (
              <span class="badge" role="img" aria-label={`${chat.unreadMentions} unread mentions`} data-testid="mentions">
                @
              </span>
            )}
            {unread && (
              <span
                class={`badge ${muted ? "muted" : ""}`}
                role="img"
                aria-label={chat.unreadCount > 0 ? `${chat.unreadCount} unread` : "marked as unread"}
              >
                {chat.unreadCount === 0 ? "" : chat.unreadCount > 99 ? "99+" : chat.unreadCount}
              </span>
            )}
          </span>
        </span>
      </a>
      <button
        type="button"
        class="icon-button chat-more"
        aria-label={`What to do with ${title}`}
        data-testid="chat-more"
        onClick={(event) => openChatMenu(event.currentTarget, chat)}
      >
        <Icon name="more" />
      </button>
    </li>
  );
});

/** Who is typing, else what one was writing, else the last message. */
function Last({ me, state, draft }: { me: Me; state: ChatState; draft: string }) {
  const { chat, outgoing, typing } = state;
  const sending = outgoing.at(-1);
  const last = chat.lastMessage;
  const group = chat.type === "group";
  const nameOf = useNames([group ? last?.senderId : null, ...typing]);
  if (typing.length > 0) {
    const who = group && typing.length === 1 ? `${nameOf(typing[0]) ?? "Somebody"} is typing …` : "typing …";
    return <span class="chat-last typing">{typing.length > 1 ? "several people are typing …" : who}</span>;
  }
  if (draft.trim()) {
    return (
      <span class="chat-last">
        <span class="bad">Draft: </span>
        {draft}
      </span>
    );
  }
  if (sending) {
    return (
      <span class="chat-last">
        {sending.status === "failed" && <span class="bad">Not sent: </span>}
        {sending.status === "pending" && <Icon name="clock" label="sending" />} You: {sending.text}
      </span>
    );
  }
  if (!last) return <span class="chat-last">{chat.lastSeq > 0 ? "" : "No messages yet"}</span>;
  const mine = last.senderId === me.id;
  const by = mine ? "You: " : group ? `${nameOf(last.senderId) ?? "…"}: ` : "";
  return (
    <span class="chat-last">
      {mine && !last.deletedAt && state.receipts.size > 0 && <Ticks ticks={tickOf(howFar(state, me.id), last.seq)} />}
      {by}
      {last.deletedAt ? <i>message deleted</i> : last.text}
    </span>
  );
}
