import type { Me } from "@confab/contracts";
import type { ChatState } from "@confab/sdk";
import type { Ref } from "preact";
import { useEffect, useImperativeHandle, useMemo, useRef, useState } from "preact/hooks";
import { useLines } from "../entries.ts";
import { Icon } from "../parts/icon.tsx";
import { useNames } from "../people.ts";
import { useTalk } from "./context.ts";
import { LogChunk } from "./log-chunk.tsx";
import { chunksOf, rowsOf } from "./rows.ts";
import { useScroll } from "./scroll.ts";

export interface LogHandle {
  show(seq: number): void;
  toEnd(): void;
}

interface Props {
  me: Me;
  state: ChatState;
  /** The message that one has jumped to. */
  target: number | undefined;
  handle: Ref<LogHandle>;
}

/** The messages of a chat and what else happened in it. */
export function Log({ me, state, target, handle }: Props) {
  const { chat, window, outgoing } = state;
  const messages = window?.messages ?? state.messages;
  const talk = useTalk();
  const lines = useLines(state, messages);
  const unreadAfter = useUnreadAfter(state);
  const rows = useMemo(
    () => rowsOf({ state, messages, lines, myId: me.id, unreadAfter, target }),
    [state, lines, unreadAfter, target],
  );
  const { box, inner, onScroll, atEnd, loading, show, toEnd } = useScroll(state, rows);
  useImperativeHandle(handle, () => ({ show, toEnd }));

  const firstSeq = messages[0]?.seq ?? 0;
  const unreadAbove = unreadAfter !== undefined && chat.lastSeq > unreadAfter && unreadAfter + 1 < firstSeq;
  const empty = messages.length === 0 && outgoing.length === 0 && state.older === null;
  return (
    <div class="log-place">
      <div
        class="log"
        ref={box}
        onScroll={onScroll}
        onKeyDown={walk}
        tabIndex={0}
        role="log"
        aria-label="Messages: up and down go through them, Enter shows what can be done"
        aria-live="off"
        aria-busy={loading !== undefined}
      >
        <div class="log-inner" ref={inner}>
          {(window ? window.before : state.older) !== null && (
            <p class="hint">{loading === "older" ? "Loading older messages …" : "\u00a0"}</p>
          )}
          {empty && <p class="hint">No messages yet. Say hello.</p>}
          {chunksOf(rows).map((chunk) => (
            <LogChunk key={chunk.key} chunk={chunk} />
          ))}
          {loading === "newer" && <p class="hint">Loading newer messages …</p>}
        </div>
      </div>
      {unreadAbove && (
        <button type="button" class="pill above" data-testid="first-unread" onClick={() => talk.jump(unreadAfter + 1)}>
          <Icon name="up" /> First unread
        </button>
      )}
      {!atEnd && (
        <button
          type="button"
          class="pill below"
          data-testid="to-newest"
          aria-label={chat.unreadCount > 0 ? `To the newest, ${chat.unreadCount} unread` : "To the newest"}
          onClick={toEnd}
        >
          <Icon name="down" />
          {chat.unreadCount > 0 && <span class="badge">{chat.unreadCount > 99 ? "99+" : chat.unreadCount}</span>}
        </button>
      )}
      <Announcer state={state} myId={me.id} />
    </div>
  );
}

/** The place after which everything was unread when one opened the chat, or when one last looked away. */
function useUnreadAfter({ chat, outgoing }: ChatState): number | undefined {
  const [after, setAfter] = useState(chat.unreadCount > 0 ? chat.me.readSeq : undefined);
  const readSeq = useRef(0);
  readSeq.current = chat.me.readSeq;
  useEffect(() => {
    const look = () => {
      if (document.visibilityState === "hidden") setAfter(readSeq.current);
    };
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  // Who answers has read what is above.
  useEffect(() => {
    if (outgoing.length > 0) setAfter(undefined);
  }, [outgoing.length > 0]);
  return after;
}

/** Reads new messages of others aloud, and nothing else that comes into the log. */
function Announcer({ state, myId }: { state: ChatState; myId: string }) {
  const { chat } = state;
  const last = chat.lastMessage;
  const nameOf = useNames([last?.senderId]);
  const opened = useRef(chat.lastSeq);
  const shown = last && last.seq > opened.current && last.senderId !== myId && !last.deletedAt;
  return (
    <p class="hidden" aria-live="polite">
      {shown ? `${nameOf(last.senderId) ?? "Somebody"}: ${last.text}` : ""}
    </p>
  );
}

/** Up and down go from message to message, Home and End to the ends. */
function walk(event: KeyboardEvent): void {
  const log = event.currentTarget as HTMLElement;
  const here = document.activeElement?.closest<HTMLElement>(".message");
  const all = [...log.querySelectorAll<HTMLElement>(".message")];
  const at = here ? all.indexOf(here) : all.length;
  const to = { ArrowUp: Math.max(0, at - 1), ArrowDown: at + 1, Home: 0, End: all.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  all[to]?.focus();
}
