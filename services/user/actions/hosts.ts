import { define } from "@confab/mixins/define.ts";
import { packData } from "@confab/mixins/data.ts";
import { v4 as random, v5 as uuidOf } from "uuid";
import { endSessions, noteAct, roleOf } from "../accounts.ts";
import { makeHostUser, putHostUser, requireHostUser } from "../host.ts";
import { presentMe } from "../present.ts";
import type { UserService } from "../service.ts";
import { signIn } from "../signing-in.ts";

/** What the host's backend asks of its users, by server key. */
export const hosts = {
  ...define("user.host.put", async function (this: UserService, ctx) {
    const { user, isNew } = await putHostUser(this, ctx.params);
    ctx.meta.$statusCode = isNew ? 201 : 200;
    return presentMe(user, roleOf(this, user));
  }),

  ...define("user.host.create", async function (this: UserService, ctx) {
    const { idempotencyKey, keyId } = ctx.meta;
    // Asked for again under its name, it is the same guest, by the unique index; and one guest is nobody else's.
    const own = idempotencyKey === undefined ? random() : uuidOf(idempotencyKey, keyId!);
    const data = ctx.params.data === undefined ? undefined : packData(ctx.params.data);
    const { user } = await makeHostUser(this, { ...ctx.params, externalId: `guest-${own}` }, data);
    return presentMe(user, roleOf(this, user));
  }),

  ...define("user.host.vouch", async function (this: UserService, ctx) {
    const { device = "", ...profile } = ctx.params;
    const { user } = await putHostUser(this, profile);
    // The host's own address is no place of the user.
    return signIn(this, user, { ...ctx.meta, device, address: "" });
  }),

  ...define("user.host.endSessions", async function (this: UserService, ctx) {
    const { _id: userId } = await requireHostUser(this, ctx.params.externalId);
    await noteAct(this, ctx.meta, { action: "user.host.endSessions", target: userId });
    await endSessions(this, userId);
    return null;
  }),

  ...define("user.host.resolve", async function (this: UserService, ctx) {
    const found = await this.store.usersByExternalId(ctx.params.externalIds);
    // Whoever is being erased is nobody any more.
    const there = found.filter(({ erasing }) => !erasing);
    return { items: there.map(({ _id, externalId }) => ({ externalId: externalId!, userId: _id })) };
  }),
};
