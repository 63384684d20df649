import { randomBytes } from "node:crypto";
import { define } from "@confab/mixins/define.ts";
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

export const invites = {
  ...define("chat.invite.create", async function (this: ChatService, ctx) {
    const { userId, idempotencyKey } = ctx.meta;
    const { chatId, expiresIn = weekSeconds, maxUses } = ctx.params;
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
    const invite: StoredInvite = {
      _id: randomBytes(16).toString("base64url"),
      id,
      chatId,
      by: userId,
      at: now,
      expiresAt: now + expiresIn * 1000,
      maxUses: maxUses ?? null,
      revoked: false,
    };
    try {
      await this.store.putInvite(invite);
      return presentInvite(invite, 0);
    } catch (err) {
      if (!(err instanceof Conflict)) throw err;
      // The same request at the same time was first.
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
