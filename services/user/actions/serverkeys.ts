import type { ServerKey } from "@confab/contracts";
import { define } from "@confab/mixins/define.ts";
import { badField, problem } from "@confab/mixins/problem.ts";
import { v7 as uuid } from "uuid";
import { noteAct } from "../accounts.ts";
import { noteUse } from "../policies.ts";
import { presentTime } from "../present.ts";
import { makeServerKey, readServerKey } from "../server.keys.ts";
import type { UserService } from "../service.ts";
import { isGood, type StoredServerKey } from "../store/server.keys.store.ts";
import { isSame } from "../tokens.ts";

export const serverkeys = {
  // G6: nothing is remembered here of a key that was good, so a removed one is good no longer than the asker remembers.
  ...define("user.serverkey.check", async function (this: UserService, ctx) {
    const claim = readServerKey(ctx.params.key);
    const stored = claim ? await this.store.serverKeys.byId(claim.keyId) : null;
    const now = Date.now();
    if (!claim || !stored || !isSame(stored.hash, claim.hash) || !isGood(stored, now)) return null;
    noteKeyUse(this, stored, now);
    return { keyId: stored._id, scopes: stored.scopes };
  }),

  ...define("user.serverkey.create", async function (this: UserService, ctx) {
    const { name, scopes, expiresAt } = ctx.params;
    const now = Date.now();
    const expires = expiresAt === undefined ? undefined : Date.parse(expiresAt);
    if (expires !== undefined && !(expires > now)) throw badField("expiresAt", "past", "must be a time that is still to come");
    const keyId = uuid();
    const details = { name: name.trim(), scopes, expiresAt: expiresAt ?? null };
    await noteAct(this, ctx.meta, { action: "user.serverkey.create", target: keyId, details });
    const { key, hash } = makeServerKey(keyId);
    const made = {
      ...{ _id: keyId, name: name.trim(), hash, scopes, createdBy: ctx.meta.userId, createdAt: now },
      ...(expires === undefined ? {} : { expiresAt: expires }),
    };
    if (!(await this.store.serverKeys.add(made, now))) throw problem("user.too_many_keys");
    return { ...presentKey(made), key };
  }),

  ...define("user.serverkey.list", async function (this: UserService) {
    const good = await this.store.serverKeys.good(Date.now());
    return { items: good.map(presentKey) };
  }),

  ...define("user.serverkey.remove", async function (this: UserService, ctx) {
    const { keyId } = ctx.params;
    const stored = await this.store.serverKeys.byId(keyId);
    if (!stored) throw problem("user.key_not_found");
    await noteAct(this, ctx.meta, { action: "user.serverkey.remove", target: keyId, details: { name: stored.name } });
    if (!(await this.store.serverKeys.remove(keyId))) throw problem("user.key_not_found");
    return null;
  }),
};

/** Nobody waits for this. */
function noteKeyUse({ store, logger }: UserService, { _id, lastUsedAt = 0 }: StoredServerKey, now: number): void {
  if (noteUse(lastUsedAt, now) === lastUsedAt) return;
  store.serverKeys.noteUse(_id, now).catch((err: unknown) => logger.debug("The use of a server key was not noted", err));
}

const presentKey = (key: Omit<StoredServerKey, "slot">): ServerKey => ({
  ...{ id: key._id, name: key.name, scopes: key.scopes, createdAt: presentTime(key.createdAt) },
  expiresAt: key.expiresAt === undefined ? null : presentTime(key.expiresAt),
  lastUsedAt: key.lastUsedAt === undefined ? null : presentTime(key.lastUsedAt),
});
