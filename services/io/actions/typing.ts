import { call } from "@confab/mixins/define.ts";
import { publish } from "../relay.ts";
import { rooms } from "../sockets.ts";
import { own } from "./own.ts";

/** What a socket last said of its user's typing in a chat. */
export interface TypingMark {
  /** When it was last asked to tell that they are typing. */
  at: number;
  /** How far the chat was then. */
  rev: number;
  /** Whether the others believe that they are. */
  isTold: boolean;
  isOver: boolean;
}

/** Chats in which one socket can be typing at a time. */
const maxChats = 20;

export const typing = own("io.typing.tell", async function (socket, { chatId, typing }) {
  const { userId } = socket.data;
  const marks = (socket.data.typing ??= new Map<string, TypingMark>());
  const tell = (rev: number) => publish(this, [rooms.chat(chatId)], { kind: "typing", chatId, rev, userId, typing });
  const before = marks.get(chatId);
  if (!typing) {
    if (before) before.isOver = true;
    if (before?.isTold) {
      before.isTold = false;
      tell(before.rev);
    }
    return null;
  }
  // A client says it again as often, but its words do not arrive as evenly as it says them.
  const every = this.settings.TYPING_EVERY * 1000 * 0.8;
  // Not by a clock that may be set back.
  const now = performance.now();
  if (before && now - before.at < every) return null;
  for (const [other, { at }] of marks) if (now - at >= 3 * every) marks.delete(other);
  if (!before && marks.size >= maxChats) return null;
  const mark = { at: now, rev: before?.rev ?? 0, isTold: before?.isTold ?? false, isOver: false };
  // Before the question, so that what is said meanwhile is not asked too.
  marks.set(chatId, mark);
  try {
    const { shown, rev } = await call(this.broker, "chat.typing.check", { chatId, userId });
    if (!shown || mark.isOver) return null;
    Object.assign(mark, { rev, isTold: true });
    tell(rev);
    return null;
  } catch (err) {
    marks.delete(chatId);
    throw err;
  }
});
