import type { Me } from "@confab/contracts";
import type { ChatState } from "@confab/sdk";
import { client, useClient } from "../client.ts";
import { Avatar } from "../parts/avatar.tsx";
import { confirm } from "../parts/confirm.tsx";
import { act } from "../parts/form.tsx";
import { Icon } from "../parts/icon.tsx";
import { report } from "../parts/report.tsx";
import { go, hrefOf } from "../place.ts";
import { usePresenceWords } from "../presence.ts";
import { mayManage, mayOwn } from "../talk/rights.ts";
import { fullTimeOf, inFuture } from "../time.ts";
import { plural } from "../words.ts";
import { Bans } from "./bans.tsx";
import { changeMine, openMuteMenu } from "./chat-menu.tsx";
import { Invites } from "./invites.tsx";
import { Members } from "./members.tsx";
import { Panel } from "./panel.tsx";
import { Rules } from "./rules.tsx";

/** Who and what a chat is, and all that can be done with it. */
export function Details({ me, state, title }: { me: Me; state: ChatState; title: string }) {
  const { chat } = state;
  const group = chat.type === "group";
  const presence = usePresenceWords(chat.peerId);
  return (
    <Panel title={group ? "About the group" : "About the chat"} chatId={chat.id} testid="details-panel">
      <div class="about-head">
        <Avatar id={chat.peerId ?? chat.id} name={title} />
        <h3>{title}</h3>
        <p class="quiet">{group ? plural(chat.memberCount, "member") : (presence ?? "\u00a0")}</p>
      </div>
      <Mine state={state} />
      {chat.pins.length > 0 && (
        <a class="row-button" href={hrefOf({ chatId: chat.id, panel: "pins" })}>
          <Icon name="pin" /> {plural(chat.pins.length, "pinned message")}
        </a>
      )}
      {group ? (
        <>
          {mayManage(chat) && <Rules key={chat.id} chat={chat} />}
          <Members me={me} chat={chat} />
          {mayManage(chat) && <Invites chatId={chat.id} />}
          {mayManage(chat) && <Bans chatId={chat.id} />}
          <Leaving me={me} state={state} title={title} />
        </>
      ) : (
        chat.peerId && (
          <>
            <Blocking userId={chat.peerId} title={title} />
            <button
              type="button"
              class="row-button bad"
              data-testid="report-person"
              onClick={() => report(`Report ${title}`, { userId: chat.peerId! })}
            >
              <Icon name="flag" /> Report {title}
            </button>
          </>
        )
      )}
      <p class="quiet small-print">Since {fullTimeOf(chat.createdAt)}</p>
    </Panel>
  );
}

/** What the chat is to oneself. */
function Mine({ state }: { state: ChatState }) {
  const { id, me } = state.chat;
  const muted = inFuture(me.mutedUntil);
  return (
    <div class="about-actions" role="group" aria-label="For yourself">
      <button
        type="button"
        aria-pressed={muted}
        onClick={(event) => (muted ? changeMine(id, { mutedUntil: null }) : openMuteMenu(event.currentTarget, id))}
      >
        <Icon name={muted ? "mute" : "bell"} /> {muted ? "Muted" : "Mute"}
      </button>
      <button type="button" aria-pressed={me.pinned} onClick={() => changeMine(id, { pinned: !me.pinned })}>
        <Icon name="pin" /> {me.pinned ? "Pinned" : "Pin"}
      </button>
      <button type="button" aria-pressed={me.archived} onClick={() => changeMine(id, { archived: !me.archived })}>
        <Icon name="archive" /> {me.archived ? "Archived" : "Archive"}
      </button>
    </div>
  );
}

function Blocking({ userId, title }: { userId: string; title: string }) {
  const blocked = useClient((state) => state.blocks.has(userId));
  if (blocked) {
    return (
      <button type="button" class="row-button" onClick={() => act(client.call("chat.block.remove", { userId }))}>
        <Icon name="ban" /> Unblock {title}
      </button>
    );
  }
  const block = () =>
    confirm({
      title: `Block ${title}?`,
      text: "They can no longer write to you here, or open a chat with you. They are not told.",
      yes: "Block",
      run: () => client.call("chat.block.add", { userId }),
    });
  return (
    <button type="button" class="row-button bad" data-testid="block" onClick={block}>
      <Icon name="ban" /> Block {title}
    </button>
  );
}

function Leaving({ me, state, title }: { me: Me; state: ChatState; title: string }) {
  const { chat } = state;
  const away = () => go({});
  const leave = () =>
    confirm({
      title: `Leave ${title}?`,
      text: "You will no longer see what is said there.",
      yes: "Leave",
      run: () => client.call("chat.member.remove", { chatId: chat.id, userId: me.id }).then(away),
    });
  const remove = () =>
    confirm({
      title: `Delete ${title}?`,
      text: "It is deleted with all that was said in it, for everybody. That cannot be taken back.",
      yes: "Delete the group",
      run: () => client.call("chat.chat.delete", { chatId: chat.id }).then(away),
    });
  return (
    <section>
      <button type="button" class="row-button bad" data-testid="leave" onClick={leave}>
        <Icon name="leave" /> Leave the group
      </button>
      {mayOwn(chat) && (
        <button type="button" class="row-button bad" data-testid="delete-group" onClick={remove}>
          <Icon name="trash" /> Delete the group
        </button>
      )}
    </section>
  );
}
