import type { Me } from "@confab/contracts";
import type { ChatState } from "@confab/sdk";
import { useState } from "preact/hooks";
import { Avatar } from "./avatar.tsx";
import { client, useClient } from "./client.ts";
import { learn, useNames } from "./people.ts";
import { go, hrefOf } from "./place.ts";
import { useUnread } from "./seen.ts";
import { Problem, Rejection, useAttempt } from "./sign-in.tsx";
import { briefly } from "./time.ts";

const activeAt = ({ chat, outgoing }: ChatState) => outgoing.at(-1)?.at ?? chat.lastMessage?.createdAt ?? chat.createdAt;

/** Who I am, a way to start a chat, and my chats with the most recently active first. */
export function ChatList({ me, chatId }: { me: Me; chatId: string | undefined }) {
  const chats = useClient((state) => state.chats);
  const synced = useClient((state) => state.synced);
  const sorted = [...chats.values()].sort((a, b) => activeAt(b).localeCompare(activeAt(a)));
  const nameOf = useNames(sorted.map(({ chat }) => chat.peerId));
  const unreadOf = useUnread(me.id);
  return (
    <aside class="side" aria-label="Chats">
      <header class="bar">
        <Avatar id={me.id} name={me.name} />
        <h1 class="grow" title={me.email ?? ""}>
          {me.name}
        </h1>
        <button class="quiet-button" data-testid="sign-out" onClick={() => void client.signOut()}>
          Sign out
        </button>
      </header>
      <NewChat me={me} />
      <nav aria-label="My chats" class="grow scroll">
        <ul class="chats" onKeyDown={walk}>
          {sorted.map((state) => (
            <ChatItem
              key={state.chat.id}
              me={me}
              state={state}
              peer={nameOf(state.chat.peerId)}
              unread={state.chat.id === chatId ? 0 : unreadOf(state)}
              current={state.chat.id === chatId}
            />
          ))}
        </ul>
        {sorted.length === 0 && <p class="hint">{synced ? "No chats yet. Start one by e-mail address above." : "Loading …"}</p>}
      </nav>
    </aside>
  );
}

export const titleOf = ({ chat }: ChatState, peer: string | undefined) =>
  chat.title ?? peer ?? (chat.type === "group" ? "Group" : "…");

function ChatItem({
  me,
  state,
  peer,
  unread,
  current,
}: {
  me: Me;
  state: ChatState;
  peer: string | undefined;
  unread: number;
  current: boolean;
}) {
  const { chat, outgoing } = state;
  const sending = outgoing.at(-1);
  const last = sending ?? chat.lastMessage;
  const mine = sending !== undefined || chat.lastMessage?.senderId === me.id;
  const title = titleOf(state, peer);
  return (
    <li>
      <a
        href={hrefOf(chat.id)}
        class={`chat ${unread > 0 ? "unread" : ""}`}
        data-testid="chat-item"
        aria-current={current ? "page" : undefined}
      >
        <Avatar id={chat.peerId ?? chat.id} name={title === "…" ? "" : title} />
        <span class="chat-text">
          <span class="chat-top">
            <b class="chat-title">{title}</b>
            <time class="quiet" dateTime={activeAt(state)}>
              {briefly(activeAt(state))}
            </time>
          </span>
          <span class="chat-top">
            <span class="chat-last">{last ? `${mine ? "You: " : ""}${last.text}` : "No messages yet"}</span>
            {unread > 0 && (
              <span class="badge" aria-label={`${unread} unread`}>
                {unread > 99 ? "99+" : unread}
              </span>
            )}
          </span>
        </span>
      </a>
    </li>
  );
}

/** Up and down go from chat to chat, Home and End to the ends. */
function walk(event: KeyboardEvent): void {
  const links = [...(event.currentTarget as HTMLElement).querySelectorAll("a")];
  const at = links.indexOf(document.activeElement as HTMLAnchorElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  links[to]?.focus();
}

function NewChat({ me }: { me: Me }) {
  const { busy, error, run } = useAttempt();
  const [email, setEmail] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    run(async () => {
      const address = email.trim();
      if (address.toLowerCase() === me.email?.toLowerCase()) throw new Rejection("That is your own address.");
      const { items } = await client.call("user.profile.find", { q: address });
      const person = items[0];
      if (!person) throw new Rejection(`Nobody is here as ${address} yet. Ask them to sign in once, then try again.`);
      learn(person);
      const chat = await client.call("chat.chat.create", { type: "direct", memberIds: [person.id] });
      await client.sync();
      setEmail("");
      go(chat.id);
    });
  };
  return (
    <form class="new-chat" onSubmit={submit}>
      <label for="new-chat">Start a chat</label>
      <div class="row">
        <input
          id="new-chat"
          data-testid="new-chat-email"
          type="email"
          required
          placeholder="E-mail address"
          autocomplete="off"
          value={email}
          onInput={(event) => setEmail(event.currentTarget.value)}
        />
        <button class="primary" data-testid="new-chat" disabled={busy}>
          Chat
        </button>
      </div>
      <Problem words={error} />
    </form>
  );
}
