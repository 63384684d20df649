import { define } from "@confab/mixins/define.ts";
import { badField, problem } from "@confab/mixins/problem.ts";
import { endSessions, isFirstAdmin, noteAct, roleOf } from "../accounts.ts";
import { readCursor, writeCursor } from "../directory.ts";
import { nameKey, normalizeEmail } from "../policies.ts";
import { presentAdminUser } from "../present.ts";
import type { UserService } from "../service.ts";
import type { StoredUser } from "../store/documents.ts";

/* Looking at somebody is an act too: who may see every address is to be seen doing it. */

export const admins = {
  ...define("user.role.get", async function (this: UserService, ctx) {
    const user = await this.store.userById(ctx.params.userId);
    return { role: user ? roleOf(this, user) : "user" };
  }),

  ...define("user.admin.find", async function (this: UserService, ctx) {
    const { q, limit = 50, cursor } = ctx.params;
    const from = cursor === undefined ? undefined : readCursor(cursor);
    // What was looked for may be an address, and the log outlives it: whom it led to is told instead.
    const exact = q === undefined ? null : await findExactly(this, q);
    const users = exact ? [exact] : await this.store.usersByName(nameKey(q ?? ""), limit, from);
    await noteAct(this, ctx.meta, {
      action: "user.admin.find",
      details: { found: users.length, ...(exact ? { id: exact._id } : {}) },
    });
    const last = !exact && users.length === limit ? users.at(-1) : undefined;
    return { items: users.map((user) => show(this, user)), nextCursor: last ? writeCursor(last) : null };
  }),

  ...define("user.admin.get", async function (this: UserService, ctx) {
    const user = await requireUser(this, ctx.params.userId);
    await noteAct(this, ctx.meta, { action: "user.admin.get", target: user._id });
    return show(this, user);
  }),

  ...define("user.admin.ban", async function (this: UserService, ctx) {
    const { userId, reason = "", until } = ctx.params;
    if (userId === ctx.meta.userId) throw problem("user.not_oneself");
    const ends = until === undefined || until === null ? undefined : Date.parse(until);
    if (ends !== undefined && !(ends > Date.now())) throw badField("until", "past", "must be a time that is still to come");
    if (isFirstAdmin(this, await requireUser(this, userId))) throw problem("user.first_admin");
    await noteAct(this, ctx.meta, { action: "user.admin.ban", target: userId, details: { reason, until: until ?? null } });
    const ban = { reason, at: Date.now(), ...(ends === undefined ? {} : { until: ends }) };
    // G6: the ban and the end of all sessions are one write.
    return show(this, await endSessions(this, userId, { change: { set: { ban } } }));
  }),

  // Sessions that the ban ended stay ended.
  ...define("user.admin.unban", async function (this: UserService, ctx) {
    const { userId } = ctx.params;
    await requireUser(this, userId);
    await noteAct(this, ctx.meta, { action: "user.admin.unban", target: userId });
    return show(this, await this.store.changeUser({ _id: userId }, {}, { ban: true }));
  }),

  ...define("user.admin.endSessions", async function (this: UserService, ctx) {
    const { userId } = ctx.params;
    await requireUser(this, userId);
    await noteAct(this, ctx.meta, { action: "user.admin.endSessions", target: userId });
    await endSessions(this, userId);
    return null;
  }),

  ...define("user.admin.verify", async function (this: UserService, ctx) {
    const { userId } = ctx.params;
    const user = await requireUser(this, userId);
    // Nobody's word makes an administrator whom nobody can unmake.
    if (user.emailVerified === false && isFirstAdmin(this, { ...user, emailVerified: true })) throw problem("user.first_admin");
    await noteAct(this, ctx.meta, { action: "user.admin.verify", target: userId });
    // This address, and not another that the host gives just now.
    const { email } = user;
    const filter = { _id: userId, ...(email === undefined ? {} : { email }) };
    return show(this, await this.store.changeUser(filter, { emailVerified: true }));
  }),

  ...define("user.admin.changeRole", async function (this: UserService, ctx) {
    const { userId, role } = ctx.params;
    // Somebody must be left who can make it good.
    if (userId === ctx.meta.userId) throw problem("user.not_oneself");
    const user = await requireUser(this, userId);
    if (role !== "admin" && isFirstAdmin(this, user)) throw problem("user.first_admin");
    await noteAct(this, ctx.meta, { action: "user.admin.changeRole", target: userId, details: { role } });
    return show(this, await this.store.changeUser({ _id: userId }, { role }));
  }),
};

function show(service: UserService, user: StoredUser | null) {
  if (!user) throw problem("user.not_found");
  return presentAdminUser(user, roleOf(service, user));
}

async function requireUser({ store }: UserService, userId: string): Promise<StoredUser> {
  const user = await store.userById(userId);
  if (!user) throw problem("user.not_found");
  return user;
}

const isId = (q: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(q);

/** Whoever is called exactly so, by id, by the host's name or by address. */
async function findExactly({ store }: UserService, q: string): Promise<StoredUser | null> {
  return (
    (isId(q) ? await store.userById(q) : null) ??
    (await store.userByExternalId(q)) ??
    (q.includes("@") ? await store.userByEmail(normalizeEmail(q)) : null)
  );
}
