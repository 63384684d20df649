import { define, emit } from "@confab/mixins/define.ts";
import type { ChatState } from "../fold.ts";
import { deliveredSeqOf, readSeqOf } from "../present.ts";
import type { ChatService } from "../service.ts";
import type { ChatNote, UserSubject } from "../store/documents.ts";
import { defaultPreferences, noNote, subjects } from "../userlog.ts";
import { requireChat } from "./chats.ts";

export const receipts = {
  ...define("chat.receipt.move", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const { read = {}, delivered = {} } = ctx.params;
    const asked = [...new Set([...Object.keys(read), ...Object.keys(delivered)])];
    const states = (await this.chats.latestOf(asked)).filter((state) => state.members.has(userId));
    const before = new Map<string, ChatNote | undefined>();
    const entries = await this.userLog.append(
      userId,
      states.map((state) => ({
        subject: subjects.chat(state.chatId),
        type: "chat.noted",
        decide: (now) => {
          before.set(state.chatId, now);
          return movePointers(state, read[state.chatId], delivered[state.chatId], now);
        },
      })),
    );
    const moved = states.flatMap((state, at) => {
      const member = state.members.get(userId);
      // Removed meanwhile.
      if (!member) return [];
      const note = entries[at]?.body as ChatNote | undefined;
      const was = before.get(state.chatId);
      const pointers = { readSeq: readSeqOf(member, note), deliveredSeq: deliveredSeqOf(member, note) };
      const isMoved = pointers.readSeq > readSeqOf(member, was) || pointers.deliveredSeq > deliveredSeqOf(member, was);
      const isDelivered = pointers.deliveredSeq > deliveredSeqOf(member, was);
      return [{ state, pointers, isMoved, isDelivered }];
    });
    const live = moved.filter(({ state, isMoved }) => isMoved && state.members.size <= this.settings.LIVE_RECEIPTS);
    if (live.length > 0) {
      const { readReceipts } = await this.userLog.preferences(userId);
      for (const { state, pointers, isDelivered } of live) {
        // Whoever does not tell that they read does not tell when, either.
        if (!readReceipts && !isDelivered) continue;
        const receipt = { userId, readSeq: readReceipts ? pointers.readSeq : null, deliveredSeq: pointers.deliveredSeq };
        emit(this.broker, "chat.receipt.moved", { chatId: state.chatId, rev: state.rev, receipt });
      }
    }
    return { chats: Object.fromEntries(moved.map(({ state, pointers }) => [state.chatId, pointers])) };
  }),

  ...define("chat.receipt.list", async function (this: ChatService, ctx) {
    const { chatId } = ctx.params;
    const members = [...(await requireChat(this, chatId, ctx.meta.userId)).members];
    const userIds = members.map(([userId]) => userId);
    const logs = await this.userLog.readOf(userIds, [subjects.chat(chatId), subjects.preferences]);
    const items = members.map(([userId, member]) => {
      const known = logs.get(userId);
      const note = known?.get(subjects.chat(chatId))?.body as ChatNote | undefined;
      return {
        userId,
        readSeq: tellsReading(known?.get(subjects.preferences)) ? readSeqOf(member, note) : null,
        deliveredSeq: deliveredSeqOf(member, note),
      };
    });
    return { items };
  }),
};

const tellsReading = (entry: UserSubject | undefined) =>
  entry?.type === "preferences.changed" ? entry.body.readReceipts : defaultPreferences.readReceipts;

/** Pointers only move forward, whatever order two devices tell them in, and not past the last message. Nothing where they stay. */
function movePointers(
  { chatId, lastSeq }: Readonly<ChatState>,
  read = 0,
  delivered = 0,
  now: ChatNote = noNote(chatId),
): ChatNote | undefined {
  const readSeq = Math.max(now.readSeq, Math.min(read, lastSeq));
  const deliveredSeq = Math.max(now.deliveredSeq, readSeq, Math.min(delivered, lastSeq));
  // Whoever reads on no longer means that there is something unread.
  const markedUnread = now.markedUnread && read === 0;
  const same = readSeq === now.readSeq && deliveredSeq === now.deliveredSeq && markedUnread === now.markedUnread;
  return same ? undefined : { ...now, readSeq, deliveredSeq, markedUnread };
}
