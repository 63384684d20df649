import { define } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { findAmongMet, findByAddress, findByName, isAddress, readCursor, visibleTo, writeCursor } from "../directory.ts";
import { normalizeEmail } from "../policies.ts";
import { presentMailed, presentProfile, presentRecipient } from "../present.ts";
import type { UserService } from "../service.ts";

export const profiles = {
  ...define("user.profile.get", async function (this: UserService, ctx) {
    const [user] = await visibleTo(this, ctx.meta.userId, [ctx.params.userId]);
    // Who may not be seen looks like nobody.
    if (!user) throw problem("user.not_found");
    return presentProfile(user);
  }),

  ...define("user.profile.lookup", async function (this: UserService, ctx) {
    const { userIds } = ctx.params;
    const users = await visibleTo(this, ctx.meta.userId, userIds);
    users.sort((a, b) => userIds.indexOf(a._id) - userIds.indexOf(b._id));
    return { items: users.map(presentProfile) };
  }),

  ...define("user.profile.find", async function (this: UserService, ctx) {
    const { userId } = ctx.meta;
    const { q, limit = 20, cursor } = ctx.params;
    const from = cursor === undefined ? undefined : readCursor(cursor);
    const { DIRECTORY } = this.settings;
    if (DIRECTORY === "off") return { items: [], nextCursor: null };
    if (isAddress(q)) return { items: (await findByAddress(this, userId, q)).map(presentProfile), nextCursor: null };
    const { users, next } =
      DIRECTORY === "all" ? await findByName(this, q, limit, from) : await findAmongMet(this, userId, q, limit, from);
    return { items: users.map(presentProfile), nextCursor: next ? writeCursor(next) : null };
  }),

  ...define("user.recipient.list", async function (this: UserService, ctx) {
    const users = await this.store.usersById(ctx.params.userIds);
    return { items: users.flatMap((user) => presentRecipient(user, Date.now()) ?? []) };
  }),

  ...define("user.recipient.find", async function (this: UserService, ctx) {
    const user = await this.store.userByEmail(normalizeEmail(ctx.params.email));
    return { user: user && presentMailed(user, Date.now()) };
  }),

  ...define("user.profile.known", async function (this: UserService, ctx) {
    return { userIds: await this.store.knownUsers(ctx.params.userIds) };
  }),
};
