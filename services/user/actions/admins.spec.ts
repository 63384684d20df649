import { actions, type ActionName, type Params, type Result, type SignedIn } from "@confab/contracts";
import { call, type Meta } from "@confab/mixins/define.ts";
import { compileSchema } from "@confab/mixins/validator.ts";
import { v7 as uuid } from "uuid";
import type { UserStore } from "../store/user.store.ts";
import { askerOf, minutes, passTime, sessionIdOf, startUser, type TestUser } from "../testing.ts";

let user: TestUser;
let ann: SignedIn;
let admin: SignedIn;
let asAdmin: Meta;
beforeEach(async () => {
  user = await startUser({ DATA_DIR: "memory", ADMINS: "Root@example.org" });
  admin = await user.signIn("root@example.org", { name: "Root" });
  ann = await user.signIn("ann@example.org", { name: "Ann Lee" });
  asAdmin = { ...askerOf(admin), role: "admin", address: "192.0.2.1" };
});
afterEach(async () => {
  jest.restoreAllMocks();
  await user.stop();
});

async function ask<N extends ActionName>(name: N, params: Params<N>, meta: Meta = asAdmin): Promise<Result<N>> {
  const answer = await call(user.broker, name, params, { meta });
  expect(compileSchema({ type: "object", properties: { answer: actions[name].returns } })({ answer })).toEqual([]);
  return answer;
}
const alive = async (who: SignedIn) => {
  const sessionId = sessionIdOf(who.refreshToken);
  return (await call(user.broker, "user.session.check", { sessionIds: [sessionId] })).alive.length === 1;
};
const acts = async () => (await ask("user.audit.list", {})).items;

test("the first administrators are those of the settings, by an address that they have proved", async () => {
  expect(admin.user.role).toBe("admin");
  expect(ann.user.role).toBe("user");
  expect(await ask("user.role.get", { userId: admin.user.id })).toEqual({ role: "admin" });
  const { store } = user.broker.getLocalService("user") as unknown as { store: UserStore };
  await store.changeUser({ _id: admin.user.id }, { emailVerified: false });
  expect(await ask("user.role.get", { userId: admin.user.id })).toEqual({ role: "user" });
  expect(await ask("user.role.get", { userId: uuid() })).toEqual({ role: "user" });
});

const adminOnly = Object.entries(actions).filter(([, { audience }]) => audience === "admin") as [ActionName, unknown][];
test.each(adminOnly.filter(([name]) => name.startsWith("user.")).map(([name]) => name))(
  "%s is refused to everybody else, whoever forgot to ask at the door",
  async (name) => {
    const userId = ann.user.id;
    const all = { userId, keyId: uuid(), reportId: uuid(), role: "user", state: "open", name: "k", scopes: ["users"] };
    const params = Object.fromEntries(
      Object.entries(all).filter(([field]) => (actions[name].params.required ?? []).includes(field)),
    );
    const asked = (meta: Meta) => user.broker.call(name, params, { meta });
    await expect(asked(askerOf(ann))).rejects.toMatchObject({ type: "forbidden" });
    await expect(asked({ ...askerOf(ann), role: "user" })).rejects.toMatchObject({ type: "forbidden" });
    await expect(asked({})).rejects.toMatchObject({ type: "unauthenticated" });
    await expect(asked({ keyId: uuid(), scopes: ["users"] })).rejects.toMatchObject({ type: "unauthenticated" });
    expect(await acts()).toEqual([]);
  },
);

describe("a ban", () => {
  test("ends every session by the write that sets it, keeps out until it is lifted, and revives none", async () => {
    const banned = await ask("user.admin.ban", { userId: ann.user.id, reason: "spam" });
    expect(banned.ban).toMatchObject({ reason: "spam", until: null });
    expect(await alive(ann)).toBe(false);
    expect(user.endedAll).toContainEqual({ userId: ann.user.id, except: null });
    await expect(user.signIn("ann@example.org")).rejects.toMatchObject({ type: "user.banned" });
    expect((await ask("user.admin.unban", { userId: ann.user.id })).ban).toBeNull();
    expect(await alive(ann)).toBe(false);
    await user.signIn("ann@example.org");
  });

  test("for a time opens by itself", async () => {
    const until = new Date(Date.now() + minutes(60)).toISOString();
    await ask("user.admin.ban", { userId: ann.user.id, until });
    await expect(user.signIn("ann@example.org")).rejects.toMatchObject({ type: "user.banned" });
    passTime(minutes(61));
    await user.signIn("ann@example.org");
  });

  test("is not of those whom the settings name", async () => {
    await ask("user.admin.changeRole", { userId: ann.user.id, role: "admin" });
    const asAnn = { ...askerOf(ann), role: "admin" as const };
    await expect(ask("user.admin.ban", { userId: admin.user.id }, asAnn)).rejects.toMatchObject({ type: "user.first_admin" });
    expect(await alive(admin)).toBe(true);
  });

  test("is nobody's own, of nobody unknown, and for no time that is over", async () => {
    const past = new Date(Date.now() - 1000).toISOString();
    await expect(ask("user.admin.ban", { userId: admin.user.id })).rejects.toMatchObject({ type: "user.not_oneself" });
    await expect(ask("user.admin.ban", { userId: uuid() })).rejects.toMatchObject({ type: "user.not_found" });
    await expect(ask("user.admin.ban", { userId: ann.user.id, until: past })).rejects.toMatchObject({ type: "bad_input" });
    expect(await acts()).toEqual([]);
    expect(await alive(ann)).toBe(true);
  });
});

test("every act is told of with who, what and from where, before it is done", async () => {
  const { store } = user.broker.getLocalService("user") as unknown as { store: UserStore };
  const broken = jest.spyOn(store, "nextEpoch").mockRejectedValueOnce(new Error("the node dies here"));
  await ask("user.admin.ban", { userId: ann.user.id, reason: "spam" }).catch(() => {});
  expect(broken).toHaveBeenCalled();
  expect(await acts()).toMatchObject([
    {
      by: admin.user.id,
      action: "user.admin.ban",
      target: ann.user.id,
      address: "192.0.2.1",
      details: { reason: "spam", until: null },
    },
  ]);
  await ask("user.admin.get", { userId: ann.user.id });
  await ask("user.admin.find", { q: "ann@example.org" });
  await ask("user.admin.endSessions", { userId: ann.user.id });
  await ask("user.admin.verify", { userId: ann.user.id });
  await ask("user.admin.changeRole", { userId: ann.user.id, role: "admin" });
  await ask("user.admin.unban", { userId: ann.user.id });
  expect((await acts()).map(({ action }) => action)).toEqual([
    ...["user.admin.unban", "user.admin.changeRole", "user.admin.verify", "user.admin.endSessions"],
    ...["user.admin.find", "user.admin.get", "user.admin.ban"],
  ]);
  // The log outlives addresses.
  expect(JSON.stringify(await acts())).not.toContain("ann@example.org");
});

test("the log is read in pages, and by who did or had it done", async () => {
  for (let at = 0; at < 5; at++) await ask("user.admin.get", { userId: at % 2 ? ann.user.id : admin.user.id });
  const first = await ask("user.audit.list", { limit: 2 });
  const second = await ask("user.audit.list", { limit: 2, cursor: first.nextCursor! });
  const third = await ask("user.audit.list", { limit: 2, cursor: second.nextCursor! });
  expect(third.nextCursor).toBeNull();
  const all = [first, second, third].flatMap(({ items }) => items);
  expect(new Set(all.map(({ id }) => id)).size).toBe(5);
  expect(all.map(({ id }) => id)).toEqual(
    all
      .map(({ id }) => id)
      .toSorted()
      .reverse(),
  );
  expect((await ask("user.audit.list", { target: ann.user.id })).items).toHaveLength(2);
  expect((await ask("user.audit.list", { by: ann.user.id })).items).toHaveLength(0);
  await expect(ask("user.audit.list", { cursor: "made up" })).rejects.toMatchObject({ type: "bad_input" });
});

test("an address that the settings name is proved by whoever has it, and by no administrator's word", async () => {
  const { store } = user.broker.getLocalService("user") as unknown as { store: UserStore };
  await store.changeUser({ _id: admin.user.id }, {}, { email: true });
  await store.changeUser({ _id: ann.user.id }, { email: admin.user.email!, emailVerified: false });
  await expect(ask("user.admin.verify", { userId: ann.user.id })).rejects.toMatchObject({ type: "user.first_admin" });
  expect((await call(user.broker, "user.role.get", { userId: ann.user.id })).role).toBe("user");
  await store.changeUser({ _id: ann.user.id }, { email: "other@example.org" });
  expect(await ask("user.admin.verify", { userId: ann.user.id })).toMatchObject({ emailVerified: true, role: "user" });
});

test("ending somebody's sessions leaves the account open", async () => {
  await ask("user.admin.endSessions", { userId: ann.user.id });
  expect(await alive(ann)).toBe(false);
  await user.signIn("ann@example.org");
});

test("roles are given and taken, but not by oneself, nor from those of the settings", async () => {
  expect((await ask("user.admin.changeRole", { userId: ann.user.id, role: "admin" })).role).toBe("admin");
  const asAnn = { ...askerOf(ann), role: "admin" as const };
  await expect(ask("user.admin.changeRole", { userId: admin.user.id, role: "user" }, asAnn)).rejects.toMatchObject({
    type: "user.first_admin",
  });
  await expect(ask("user.admin.changeRole", { userId: ann.user.id, role: "user" }, asAnn)).rejects.toMatchObject({
    type: "user.not_oneself",
  });
  expect((await ask("user.admin.changeRole", { userId: ann.user.id, role: "user" })).role).toBe("user");
});

test("users are found by id, address and the beginning of the name, or all of them page by page", async () => {
  for (const q of [ann.user.id, "ANN@example.org", "ann", "Ann L"])
    expect((await ask("user.admin.find", { q })).items.map(({ id }) => id)).toEqual([ann.user.id]);
  expect((await ask("user.admin.find", { q: "Lee" })).items).toEqual([]);
  const first = await ask("user.admin.find", { limit: 1 });
  const second = await ask("user.admin.find", { limit: 1, cursor: first.nextCursor! });
  expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(["Ann Lee", "Root"]);
  await expect(ask("user.admin.find", { cursor: "made up" })).rejects.toMatchObject({ type: "bad_input" });
});
