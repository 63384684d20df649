import { createHash, randomBytes } from "node:crypto";
import { call, define, type Caller } from "@confab/mixins/define.ts";
import { enclosing, type Enclosed } from "@confab/mixins/outbox.ts";
import { problem } from "@confab/mixins/problem.ts";
import { Conflict } from "@confab/mixins/store/collection.ts";
import { v7 as uuid } from "uuid";
import type { ChatState } from "../fold.ts";
import { requireRight } from "../policies.ts";
import { presentInvite } from "../present.ts";
import type { ChatService } from "../service.ts";
import type { StoredInvite } from "../store/documents.ts";
import { changeChat } from "./change.ts";
import { requireChat, showChat } from "./chats.ts";
import { requireRoom } from "./members.ts";

const maxInvites = 100;
const weekSeconds = 7 * 24 * 3600;
const hourMs = 3_600_000;
/** So that nobody makes this server write to strangers, or anybody to one of them, more than is bearable. */
const mailedByPersonPerHour = 20;
const mailedToAddressPerDay = 3;

export const invites = {
  ...define("chat.invite.create", async function (this: ChatService, ctx) {
    const { userId, idempotencyKey } = ctx.meta;
    const { chatId, expiresIn = weekSeconds, email } = ctx.params;
    // What is mailed to somebody is meant for them.
    const { maxUses = email === undefined ? null : 1 } = ctx.params;
    const state = await requireChat(this, chatId, userId);
    requireRight(state, userId, "invite");
    const id = idempotencyKey ? await this.store.claimKey(userId, `invite:${chatId}:${idempotencyKey}`, uuid()) : uuid();
    const made = await this.store.invitesOf(chatId);
    const known = made.find((one) => one.id === id);
    ctx.meta.$statusCode = known ? 200 : 201;
    if (known) return presentInvite(known, usesOf(known, state));
    const over = made.filter((one) => !isGood(one, state));
    if (made.length - over.length >= maxInvites) throw problem("chat.too_many_invites");
    await this.store.removeInvites(over.map(({ _id }) => _id));
    const now = Date.now();
    const code = randomBytes(16).toString("base64url");
    const invited = email === undefined ? undefined : await invitation(this, ctx, { code, title: state.title, email });
    const invite: StoredInvite = {
      _id: code,
      id,
      chatId,
      by: userId,
      at: now,
      expiresAt: now + expiresIn * 1000,
      maxUses,
      revoked: false,
      // G5: the mail is there as soon as the link is.
      ...enclosing(invited?.mail),
    };
    try {
      await this.store.putInvite(invite);
      await this.outbox.handOver("invites", invite);
      return presentInvite(invite, 0);
    } catch (err) {
      if (!(err instanceof Conflict)) throw err;
      // The same request at the same time was first.
      await invited?.giveBack();
      const first = (await this.store.invitesOf(chatId)).find((one) => one.id === id);
      if (!first) throw problem("unavailable", { retryAfter: 1 });
      ctx.meta.$statusCode = 200;
      return presentInvite(first, usesOf(first, state));
    }
  }),

  ...define("chat.invite.list", async function (this: ChatService, ctx) {
    const { chatId } = ctx.params;
    const state = await requireChat(this, chatId, ctx.meta.userId);
    requireRight(state, ctx.meta.userId, "invite");
    const good = (await this.store.invitesOf(chatId)).filter((invite) => isGood(invite, state));
    return { items: good.map((invite) => presentInvite(invite, usesOf(invite, state))) };
  }),

  ...define("chat.invite.revoke", async function (this: ChatService, ctx) {
    const { chatId, inviteId } = ctx.params;
    requireRight(await requireChat(this, chatId, ctx.meta.userId), ctx.meta.userId, "invite");
    const invite = (await this.store.invitesOf(chatId)).find(({ id }) => id === inviteId);
    if (invite) await this.store.revokeInvite(invite._id);
    return null;
  }),

  ...define("chat.invite.accept", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const invite = await this.store.inviteByCode(ctx.params.code);
    if (!invite) throw problem("chat.invite_not_good");
    const { chatId } = invite;
    await this.store.expectMembers(chatId, [userId]);
    await changeChat(this, {
      chatId,
      by: userId,
      type: "member.added",
      body: { members: [{ userId, role: "member" }], inviteId: invite.id },
      wanted: (state) => {
        if (state.members.has(userId)) return false;
        // The uses are counted by the log, so no number of people at once gets in by one too many.
        if (!isGood(invite, state)) throw problem("chat.invite_not_good");
        requireRoom(state, [userId], this.settings.MAX_MEMBERS);
        return true;
      },
    });
    return showChat(this, chatId, userId);
  }),
};

const usesOf = ({ id }: StoredInvite, { inviteUses }: Readonly<ChatState>) => inviteUses.get(id) ?? 0;

const isGood = (invite: StoredInvite, state: Readonly<ChatState>) =>
  !invite.revoked &&
  !state.deleted &&
  // Whoever came into a chat that all have left would be alone in it, and never its owner.
  state.members.size > 0 &&
  Date.now() < invite.expiresAt &&
  usesOf(invite, state) < (invite.maxUses ?? Infinity);

/** The mail with a link, where it is not one too many. */
async function invitation(
  { outbox, settings, store }: ChatService,
  ctx: Caller<"chat.invite.create">,
  { code, title, email: to }: { code: string; title: string | null; email: string },
): Promise<{ mail: Enclosed; giveBack: () => Promise<void> }> {
  const { userId, language } = ctx.meta;
  const { name: by } = await call(ctx, "user.profile.get", { userId });
  const now = Date.now();
  const limits = [
    { key: blind("by", userId), limit: mailedByPersonPerHour, ms: hourMs },
    { key: blind("to", mailboxOf(to)), limit: mailedToAddressPerDay, ms: 24 * hourMs },
  ];
  for (const limited of limits) {
    const freeAt = await store.takeAllowance(limited, now);
    if (freeAt !== undefined)
      throw problem("chat.too_many_invitations", { retryAfter: Math.max(1, Math.ceil((freeAt - now) / 1000)) });
  }
  const url = `${settings.PUBLIC_URL.replace(/\/$/, "")}/#/invite/${code}`;
  const data = { by, title: title ?? "", url };
  return {
    mail: outbox.enclose("invites", code, { template: "invitation", to, data, language }),
    giveBack: async () => void (await Promise.all(limits.map((limited) => store.giveAllowanceBack(limited, now)))),
  };
}

/** Whose mails they are, whatever stands after a plus: that makes as many addresses of one mailbox as anybody likes. */
const mailboxOf = (email: string) => email.toLowerCase().replace(/\+.*@/, "@");

/** Nobody's address lies about in counters. */
const blind = (...words: string[]) =>
  createHash("sha256")
    .update(JSON.stringify(["invitations", ...words]))
    .digest("base64url");
