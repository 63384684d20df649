import type { Me } from "@confab/contracts";
import type { ChatState } from "@confab/sdk";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Avatar } from "./avatar.tsx";
import { titleOf } from "./chat-list.tsx";
import { client } from "./client.ts";
import { Composer } from "./composer.tsx";
import { Bubble, type Shown } from "./message.tsx";
import { useNames } from "./people.ts";
import { go } from "./place.ts";
import { markSeen } from "./seen.ts";
import { dayOf, sameDay } from "./time.ts";

/** So near to the end, new messages keep the end in view. */
const nearPx = 80;
/** So near to the top, older messages are fetched. */
const topPx = 300;

/** One chat: its messages, the newest in view, and a place to write. */
export function Talk({ me, state }: { me: Me; state: ChatState }) {
  const { chat } = state;
  const nameOf = useNames([chat.peerId, ...state.messages.map((message) => message.senderId)]);
  const title = titleOf(state, nameOf(chat.peerId));
  useSeen(me, state);
  const leave = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    const item = document.querySelector<HTMLElement>(".chat[aria-current]");
    go(undefined);
    // On a phone the list is only there after this.
    requestAnimationFrame(() => item?.focus());
  };
  return (
    <section class="talk" aria-label={`Chat with ${title}`} onKeyDown={leave}>
      <header class="bar">
        <a class="back" href="#/" aria-label="Back to the chats" data-testid="back">
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="M15 5l-7 7 7 7" />
          </svg>
        </a>
        <Avatar id={chat.peerId ?? chat.id} name={title} />
        <h2 class="grow">{title}</h2>
      </header>
      <Log me={me} state={state} nameOf={nameOf} />
      <Composer chatId={chat.id} />
    </section>
  );
}

function Log({ me, state, nameOf }: { me: Me; state: ChatState; nameOf: (userId: string | null) => string | undefined }) {
  const { chat, messages, outgoing, older } = state;
  const { box, onScroll, loading } = useScroll(state);
  const sent: Shown[] = messages.map((message) => ({
    key: message.clientMessageId,
    at: message.createdAt,
    by: message.senderId,
    text: message.text,
    deleted: message.deletedAt !== null,
  }));
  const waiting: Shown[] = outgoing.map((message) => ({
    key: message.clientMessageId,
    at: message.at,
    by: me.id,
    text: message.text,
    deleted: false,
    outgoing: message,
  }));
  const shown = [...sent, ...waiting];
  return (
    <div
      class="log"
      ref={box}
      onScroll={onScroll}
      tabIndex={0}
      role="log"
      aria-label="Messages"
      aria-live="polite"
      aria-relevant="additions"
    >
      <div class="log-inner">
        {older !== null && <p class="hint">{loading ? "Loading older messages …" : " "}</p>}
        {shown.length === 0 && older === null && <p class="hint">No messages yet. Say hello.</p>}
        {shown.map((message, at) => {
          const before = shown[at - 1];
          const newDay = !before || !sameDay(before.at, message.at);
          const first = newDay || before.by !== message.by;
          const next = shown[at + 1];
          const last = !next || next.by !== message.by || !sameDay(next.at, message.at);
          return (
            <Bubble
              key={`${message.by} ${message.key}`}
              message={message}
              mine={message.by === me.id}
              day={newDay ? dayOf(message.at) : undefined}
              name={chat.type === "group" && first && message.by !== me.id ? (nameOf(message.by) ?? "…") : undefined}
              sender={message.by === me.id ? "You" : (nameOf(message.by) ?? "")}
              first={first}
              last={last}
            />
          );
        })}
      </div>
    </div>
  );
}

/** Keeps the end in view while one is there, and the view where it is while older messages come in above. */
function useScroll(state: ChatState) {
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const before = useRef<{ first: number; height: number; own: number }>({ first: 0, height: 0, own: 0 });
  const [loading, setLoading] = useState(false);
  const first = state.messages[0]?.seq ?? 0;
  const own = state.outgoing.length;

  const loadOlder = () => {
    const log = box.current;
    if (!log || loading || state.older === null || log.scrollTop > topPx) return;
    setLoading(true);
    client
      .loadOlder(state.chat.id)
      .catch(() => {})
      .finally(() => setLoading(false));
  };

  useLayoutEffect(() => {
    const log = box.current!;
    const was = before.current;
    const cameAbove = was.first > 0 && first < was.first;
    const wrote = own > was.own;
    if (cameAbove) log.scrollTop += log.scrollHeight - was.height;
    else if (atEnd.current || wrote) log.scrollTop = log.scrollHeight;
    before.current = { first, height: log.scrollHeight, own };
  }, [state.messages, state.outgoing]);

  // A page that does not fill the view cannot be scrolled for more.
  useEffect(loadOlder, [state.messages]);

  useEffect(() => {
    // A keyboard on the screen, or a longer composer, makes the view smaller.
    const keepEnd = new ResizeObserver(() => {
      if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
    });
    keepEnd.observe(box.current!);
    return () => keepEnd.disconnect();
  }, []);

  const onScroll = () => {
    const log = box.current!;
    atEnd.current = log.scrollHeight - log.scrollTop - log.clientHeight < nearPx;
    loadOlder();
  };
  return { box, onScroll, loading };
}

/** What is open before one's eyes is read. */
function useSeen(me: Me, { chat }: ChatState): void {
  useEffect(() => {
    const look = () => {
      if (document.visibilityState === "visible") markSeen(me.id, chat.id, chat.lastSeq);
    };
    look();
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, [chat.id, chat.lastSeq]);
}
