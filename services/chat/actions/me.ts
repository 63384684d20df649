import { isDeepStrictEqual } from "node:util";
import type { Preferences } from "@confab/contracts";
import { define } from "@confab/mixins/define.ts";
import { badField, problem } from "@confab/mixins/problem.ts";
import { readTime } from "../checks.ts";
import type { ChatService } from "../service.ts";
import type { ChatNote } from "../store/documents.ts";
import { defaultPreferences, noNote, subjects } from "../userlog.ts";
import { requireChat, requireUsers, showChat } from "./chats.ts";

const maxBlocks = 1000;

/** What is one's own and nobody else's business; all of it lies in one's own log. */
export const me = {
  ...define("chat.me.change", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const { chatId, mutedUntil, ...flags } = ctx.params;
    await requireChat(this, chatId, userId);
    const muted = mutedUntil === undefined ? {} : { mutedUntil: mutedUntil === null ? null : readTime("mutedUntil", mutedUntil) };
    await this.userLog.append(userId, [
      {
        subject: subjects.chat(chatId),
        type: "chat.noted",
        decide: (now = noNote(chatId)) => {
          const next: ChatNote = { ...now, ...flags, ...muted };
          const same = (Object.keys(next) as (keyof ChatNote)[]).every((field) => next[field] === now[field]);
          return same ? undefined : next;
        },
      },
    ]);
    return showChat(this, chatId, userId);
  }),

  ...define("chat.block.list", async function (this: ChatService, ctx) {
    const blocked = await this.userLog.blocks(ctx.meta.userId);
    return { items: blocked.map(({ at, body }) => ({ userId: body.userId, at: new Date(at).toISOString() })) };
  }),

  ...define("chat.block.add", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    await requireUsers(this, [ctx.params.userId]);
    const known = await this.userLog.blocks(userId);
    if (known.length >= maxBlocks && !known.some(({ body }) => body.userId === ctx.params.userId))
      throw problem("chat.too_many_blocks");
    await setBlocked(this, userId, ctx.params.userId, true);
    return null;
  }),

  ...define("chat.block.remove", async function (this: ChatService, ctx) {
    await setBlocked(this, ctx.meta.userId, ctx.params.userId, false);
    return null;
  }),

  ...define("chat.preference.get", function (this: ChatService, ctx) {
    return this.userLog.preferences(ctx.meta.userId);
  }),

  ...define("chat.preference.change", async function (this: ChatService, ctx) {
    checkTimeZone(ctx.params.timeZone);
    return changePreferences(this, ctx.meta.userId, ctx.params);
  }),

  ...define("chat.preference.unsubscribe", async function (this: ChatService, ctx) {
    const { userId, kind } = ctx.params;
    // Of somebody who is erased nothing is kept, a wish neither.
    if (await this.userLog.isErased(userId)) return null;
    await changePreferences(this, userId, kind === "notification" ? { notifications: false } : { digest: "never" });
    return null;
  }),

  ...define("chat.profile.note", async function (this: ChatService, ctx) {
    const { userId, version, ...profile } = ctx.params;
    await this.userLog.append(userId, [
      {
        subject: subjects.profile,
        type: "profile.changed",
        decide: (now) => ((now?.version ?? 0) >= version ? undefined : { ...profile, version }),
      },
    ]);
    return null;
  }),
};

async function changePreferences(service: ChatService, userId: string, change: Partial<Preferences>): Promise<Preferences> {
  const [entry] = await service.userLog.append(userId, [
    {
      subject: subjects.preferences,
      type: "preferences.changed",
      decide: (now = defaultPreferences) => {
        const next = { ...now, ...change };
        return isDeepStrictEqual(next, now) ? undefined : next;
      },
    },
  ]);
  return entry?.type === "preferences.changed" ? entry.body : defaultPreferences;
}

function checkTimeZone(timeZone: string | null | undefined): void {
  if (timeZone === undefined || timeZone === null) return;
  try {
    new Intl.DateTimeFormat("en", { timeZone });
  } catch {
    throw badField("timeZone", "time_zone", "is not a time zone that is known here");
  }
}

async function setBlocked(service: ChatService, userId: string, other: string, blocked: boolean): Promise<void> {
  await service.userLog.append(userId, [
    {
      subject: subjects.block(other),
      type: "block.changed",
      decide: (now) => ((now?.blocked ?? false) === blocked ? undefined : { userId: other, blocked }),
    },
  ]);
  service.blocks.forget(userId, other);
}
