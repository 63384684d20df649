import type { Message } from "@confab/contracts";
import type { ChatState } from "@confab/sdk";
import { useEffect, useState } from "preact/hooks";
import { client } from "../client.ts";
import { useNames } from "../people.ts";
import { useTalk } from "./context.ts";
import { findMessage } from "./rows.ts";

/** A message that may not be at hand: it is asked for once, and then kept up in the state. */
export function useMessage(state: ChatState | undefined, id: string | undefined, seq?: number) {
  const [gone, setGone] = useState<string>();
  const chatId = state?.chat.id;
  const message = state && id ? findMessage(state, id, seq) : undefined;
  useEffect(() => {
    if (!chatId || !id || message || gone === id) return;
    client.message(chatId, id).catch(() => setGone(id));
  }, [chatId, id, message === undefined]);
  return { message, gone: id !== undefined && gone === id };
}

interface Props {
  id: string;
  /** What it says, where that is at hand already. */
  quoted: Message | undefined;
}

/** What a message answers; following it leads there. */
export function Quote({ id, quoted }: Props) {
  const talk = useTalk();
  const { message = quoted, gone } = useMessage(quoted ? undefined : talk.state(), id);
  const nameOf = useNames([message?.senderId]);
  const name = message?.senderId === talk.me.id ? "You" : nameOf(message?.senderId);
  if (!message) {
    return <span class="quote">{gone ? <i>This message is not here any more.</i> : "…"}</span>;
  }
  return (
    <button
      type="button"
      class="quote"
      data-testid="quote"
      aria-label={`In answer to ${name ?? "a message"}: go there`}
      onClick={() => talk.jump(message.seq)}
    >
      <b>{name ?? "…"}</b>
      <span>{message.deletedAt ? <i>Message deleted</i> : message.text}</span>
    </button>
  );
}
