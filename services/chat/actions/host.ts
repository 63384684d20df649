/* What the host's backend asks of chats, by server key. It names people by its own names of them. */
import type { Role } from "@confab/contracts";
import { packData } from "@confab/mixins/data.ts";
import { call, define } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { v7 as uuid } from "uuid";
import type { ChatState } from "../fold.ts";
import { isNew } from "../policies.ts";
import { presentHostChat } from "../present.ts";
import type { ChatService } from "../service.ts";
import { changeChat } from "./change.ts";
import { newRules } from "./chats.ts";
import { requireRoom } from "./members.ts";
import { sendMessage } from "./messages.ts";

export const host = {
  ...define("chat.host.put", async function (this: ChatService, ctx) {
    const { key, owner, members = [], title, data } = ctx.params;
    const wanted = {
      ...(title === undefined ? {} : { title }),
      ...(data === undefined ? {} : { data: packData(data) }),
    };
    const fields = new Map([["owner", owner], ...members.map((name, at) => [`members.${at}`, name] as const)]);
    const found = await resolve(this, fields);
    const [ownerId, userIds] = [found[0]!, [...new Set(found)]];
    if (userIds.length > this.settings.MAX_MEMBERS) throw problem("chat.too_many_members");

    const chatId = await this.store.claimHostKey(key, uuid());
    const isMade = isNew(await this.chats.latest(chatId)) && (await create(this, chatId, ownerId, userIds, wanted));
    if (!isMade) await bringIntoStep(this, chatId, ownerId, userIds, wanted);
    ctx.meta.$statusCode = isMade ? 201 : 200;
    return presentHostChat(await this.chats.latest(chatId), key);
  }),

  ...define("chat.host.send", async function (this: ChatService, ctx) {
    const { sender, ...message } = ctx.params;
    const [userId] = await resolve(this, new Map([["sender", sender]]));
    return sendMessage(this, userId!, message, ctx.meta);
  }),
};

/** The users behind the host's names of them, in the same order; throws where there is none, and says in which fields. */
async function resolve(service: ChatService, names: ReadonlyMap<string, string>): Promise<string[]> {
  const { items } = await call(service.broker, "user.host.resolve", { externalIds: [...new Set(names.values())] });
  const known = new Map(items.map(({ externalId, userId }) => [externalId, userId]));
  const errors = [...names].flatMap(([field, name]) =>
    known.has(name) ? [] : [{ field, code: "unknown_user", message: "is no user that the host has made known" }],
  );
  if (errors.length > 0) throw problem("chat.unknown_user", { errors });
  return [...names.values()].map((name) => known.get(name)!);
}

type Wanted = Partial<Pick<ChatState, "title" | "data">>;

/** Whether it is this that made the chat: whoever comes second at the same time finds it by its key. */
async function create(service: ChatService, chatId: string, ownerId: string, userIds: readonly string[], wanted: Wanted) {
  // Before the entry, as with any chat: the index may name a chat too many, never one too few.
  await service.store.expectMembers(chatId, userIds);
  const members = userIds.map((userId) => ({ userId, role: userId === ownerId ? ("owner" as const) : ("member" as const) }));
  const { isNew } = await service.log.append({
    chatId,
    type: "chat.created",
    by: ownerId,
    key: "chat.created",
    body: { type: "group", title: null, data: "{}", ...newRules, ...wanted, members },
    decide: () => {},
  });
  return isNew;
}

/** As its owner would do it: whoever is named becomes a member, unless kept out, and what is named becomes so. */
async function bringIntoStep(service: ChatService, chatId: string, named: string, userIds: readonly string[], wanted: Wanted) {
  const state = await service.chats.latest(chatId);
  const by = actorIn(state, named);
  const missing = userIds.filter((id) => !state.members.has(id));
  // Before what may not be refused any more, so that a refusal changes nothing.
  if (missing.length > 0) {
    await service.store.expectMembers(chatId, missing);
    const body = { members: [] as { userId: string; role: Role }[], inviteId: null };
    await changeChat(service, {
      ...{ chatId, by, type: "member.added", body },
      wanted: (now) => {
        requireThere(now);
        const added = missing.filter((id) => !now.members.has(id));
        requireRoom(now, added, service.settings.MAX_MEMBERS);
        // A chat that everybody has left belongs to whom the host names.
        const isOwner = (userId: string) => userId === named && ownerIn(now) === undefined;
        body.members = added.map((userId) => ({ userId, role: isOwner(userId) ? "owner" : "member" }));
        return added.length > 0;
      },
    });
  }
  const body = { title: null as string | null, data: "{}", ...newRules };
  await changeChat(service, {
    ...{ chatId, by, type: "chat.changed", body },
    wanted: (now) => {
      requireThere(now);
      const { title, data, historyFrom, posting, slowMode } = now;
      Object.assign(body, { title, data, historyFrom, posting, slowMode }, wanted);
      return body.title !== title || body.data !== data;
    },
  });
}

function requireThere({ deleted }: Readonly<ChatState>): void {
  if (deleted) throw problem("chat.not_found", { detail: "The chat of this key was deleted" });
}

/** In whose name the host changes a chat: of whom it names, where that is an owner; else of whoever is. */
const actorIn = (state: Readonly<ChatState>, named: string): string =>
  state.members.get(named)?.role === "owner" ? named : (ownerIn(state) ?? named);

const ownerIn = ({ members }: Readonly<ChatState>): string | undefined =>
  [...members].find(([, { role }]) => role === "owner")?.[0];
