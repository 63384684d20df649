import type { Params } from "@confab/contracts";
import { call, type Meta } from "@confab/mixins/define.ts";
import { v7 as uuid } from "uuid";
import type { UserService } from "../service.ts";
import { sessionIdOf, startUser, type TestUser } from "../testing.ts";

let user: TestUser;
beforeEach(async () => void (user = await startUser({ DATA_DIR: "memory", AUTH: "both", ADMINS: "boss@example.org" })));
afterEach(() => user.stop());

const keyId = uuid();
const server = (): Meta => ({ keyId, scopes: ["users", "tokens", "sessions"], address: "192.0.2.7" });
const put = async (params: Params<"user.host.put">) => {
  const meta = server();
  const me = await call(user.broker, "user.host.put", params, { meta });
  return { ...me, status: meta.$statusCode };
};
const vouch = (params: Params<"user.host.vouch">) => call(user.broker, "user.host.vouch", params, { meta: server() });
const create = (params: Params<"user.host.create">, meta: Meta = {}) =>
  call(user.broker, "user.host.create", params, { meta: { ...server(), ...meta } });
const atOnce = <T>(count: number, act: (at: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, at) => act(at)));
const service = () => user.broker.getLocalService("user") as unknown as UserService;

describe("a user of the host's", () => {
  test("is made at first sight and then the same, with a profile that is kept in step", async () => {
    const made = await put({ externalId: "h1", name: " Ann ", email: "Ann@Example.org", data: { plan: "gold" } });
    expect(made).toMatchObject({ externalId: "h1", name: "Ann", email: "ann@example.org", data: { plan: "gold" }, status: 201 });
    expect(made).toMatchObject({ emailVerified: false, hasPassword: false, role: "user" });
    expect(await put({ externalId: "h1" })).toEqual({ ...made, status: 200 });
    expect(user.noted).toEqual([]);

    expect(await put({ externalId: "h1", name: "Anna" })).toEqual({ ...made, name: "Anna", status: 200 });
    expect(user.noted).toMatchObject([{ userId: made.id, name: "Anna" }]);
    const later = { externalId: "h1", data: {}, email: null };
    expect(await put(later)).toEqual({ ...made, name: "Anna", data: {}, email: null, status: 200 });
    await put(later);
    expect(user.noted).toHaveLength(2);
  });

  test("fifty puts and vouches at once make one, and one of them says that it is new", async () => {
    const given = { externalId: "h1", name: "Ann", email: "ann@example.org" };
    const answers = await atOnce(50, async (at) => {
      if (at % 2) return { id: (await vouch(given)).user.id, status: 0 };
      return put(given);
    });
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(answers.filter(({ status }) => status === 201).length).toBeLessThanOrEqual(1);
    expect(user.noted).toEqual([]);

    const puts = await atOnce(50, () => put({ externalId: "h2", name: "Bob" }));
    expect(new Set(puts.map(({ id }) => id)).size).toBe(1);
    expect(puts.filter(({ status }) => status === 201)).toHaveLength(1);
  });

  test("who has no name yet gets none that tells of the host's", async () => {
    expect((await put({ externalId: "ann@example.org", email: "ann@example.org" })).name).toBe("User");
  });

  test("is not who has the address elsewhere: it is left out, and logged without it", async () => {
    const own = (await user.signIn("ann@example.org", { name: "Ann" })).user;
    const warn = jest.spyOn(service().logger, "warn").mockImplementation();
    const made = await put({ externalId: "h1", name: "Mallory", email: "Ann@example.org" });
    expect(made).toMatchObject({ email: null, name: "Mallory", status: 201 });
    expect(made.id).not.toBe(own.id);
    expect(await put({ externalId: "h1", email: "ann@example.org" })).toMatchObject({ id: made.id, email: null });
    expect((await vouch({ externalId: "h1", email: "ann@example.org" })).user.id).toBe(made.id);
    expect(warn).toHaveBeenCalledTimes(3);
    expect(JSON.stringify(warn.mock.calls)).not.toContain("ann@");
    warn.mockRestore();
    expect((await user.signIn("ann@example.org")).user).toEqual(own);
  });

  test("an address that only the host's word gives makes way for whoever proves it, and makes nobody an admin", async () => {
    const host = await put({ externalId: "h1", name: "Mallory", email: "boss@example.org" });
    expect(host.role).toBe("user");
    const boss = (await user.signIn("boss@example.org", { name: "Boss" })).user;
    expect(boss).toMatchObject({ role: "admin", externalId: null });
    expect(boss.id).not.toBe(host.id);
    expect(await put({ externalId: "h1", email: "boss@example.org" })).toMatchObject({ id: host.id, role: "user", email: null });
  });

  test("neither a reset password nor a changed address leads into an account by the host's word", async () => {
    const host = await put({ externalId: "h1", name: "Mallory", email: "ann@example.org" });
    await call(user.broker, "user.password.forgot", { email: "ann@example.org" });
    expect(user.mails.at(-1)).toMatchObject({ template: "unknown-address" });
    const ann = await user.register("ann@example.org", "correct horse battery");
    expect(ann.user.id).not.toBe(host.id);
    expect((await user.login("ann@example.org", "correct horse battery")).user.id).toBe(ann.user.id);

    await put({ externalId: "h1", email: "ann2@example.org" });
    const asker = { userId: ann.user.id, sessionId: sessionIdOf(ann.refreshToken) };
    const { flowId } = await call(user.broker, "user.email.change", { email: "ann2@example.org" }, { meta: asker });
    const code = user.mails.at(-1)!.data["code"] as string;
    const changed = await call(user.broker, "user.email.confirm", { flowId, code }, { meta: asker });
    expect(changed).toMatchObject({ email: "ann2@example.org", emailVerified: true });
    expect((await put({ externalId: "h1" })).email).toBeNull();
  });

  test("an address that the user proved stays proved when the host says the same", async () => {
    const ann = await vouch({ externalId: "h1" });
    const meta = { userId: ann.user.id, sessionId: sessionIdOf(ann.refreshToken) };
    const { flowId } = await call(user.broker, "user.email.change", { email: "ann@example.org" }, { meta });
    await call(user.broker, "user.email.confirm", { flowId, code: user.mails.at(-1)!.data["code"] as string }, { meta });
    const same = { externalId: "h1", email: "Ann@example.org" };
    expect(await put(same)).toMatchObject({ email: "ann@example.org", emailVerified: true });
    expect((await user.signIn("ann@example.org")).user.id).toBe(ann.user.id);
    expect(await put({ ...same, email: "other@example.org" })).toMatchObject({ emailVerified: false });
  });

  test("whose account is erased while the host speaks of it gets no address any more", async () => {
    const { id } = await put({ externalId: "h1", name: "Ann" });
    const { store } = service();
    const before = (await store.userByExternalId("h1"))!;
    await store.eraseUser(before, Date.now());
    await store.endErasing(id);
    jest.spyOn(store, "userByExternalId").mockResolvedValueOnce(before);
    await put({ externalId: "h1", email: "ann@example.org" });
    expect(await store.userById(id)).toEqual({ _id: id, name: "", createdAt: before.createdAt, erasedAt: expect.any(Number) });
  });

  test("data of more than 8 KB is refused, and changes nothing", async () => {
    const big = { x: "y".repeat(8200) };
    const refusal = { type: "bad_input", data: { errors: [{ field: "data" }] } };
    await expect(put({ externalId: "h1", data: big })).rejects.toMatchObject(refusal);
    await expect(create({ name: "Guest", data: big })).rejects.toMatchObject(refusal);
    expect((await put({ externalId: "h1", name: "Ann" })).status).toBe(201);
    await expect(put({ externalId: "h1", name: "Eve", data: big })).rejects.toMatchObject(refusal);
    expect((await put({ externalId: "h1" })).name).toBe("Ann");
  });
});

describe("a guest", () => {
  test("is somebody new each time, with a name of the host's that is nobody else's", async () => {
    const [one, other] = [await create({ name: " Guest " }), await create({ name: "Guest" })];
    expect(one.externalId).toMatch(/^guest-[0-9a-f-]{36}$/);
    expect(one).toMatchObject({ name: "Guest", email: null });
    expect(other.id).not.toBe(one.id);
    expect((await vouch({ externalId: one.externalId! })).user).toEqual(one);
  });

  test("is one under one Idempotency-Key of one server key, also fifty times at once", async () => {
    const meta = { idempotencyKey: "order 7" };
    const guests = await atOnce(50, () => create({ name: "Guest" }, meta));
    expect(new Set(guests.map(({ id }) => id)).size).toBe(1);
    expect(await create({ name: "Another" }, meta)).toEqual(guests[0]);
    expect((await create({ name: "Guest" }, { idempotencyKey: "order 8" })).id).not.toBe(guests[0]!.id);
    expect((await create({ name: "Guest" }, { ...meta, keyId: uuid() })).id).not.toBe(guests[0]!.id);
  });
});

describe("vouching", () => {
  test("signs in by device, and mails nobody of the host's own place", async () => {
    await put({ externalId: "h1", name: "Ann", email: "ann@example.org" });
    const now = Date.now();
    jest.spyOn(Date, "now").mockReturnValue(now + 3_600_000);
    const one = await vouch({ externalId: "h1", device: "iPhone" });
    const other = await vouch({ externalId: "h1" });
    jest.restoreAllMocks();
    expect(user.mails).toEqual([]);
    const meta = { userId: one.user.id, sessionId: sessionIdOf(one.refreshToken) };
    const { items } = await call(user.broker, "user.session.list", {}, { meta });
    expect(items.map(({ device, address }) => [device, address]).sort()).toEqual([
      ["", ""],
      ["iPhone", ""],
    ]);
    expect(sessionIdOf(other.refreshToken)).not.toBe(meta.sessionId);
  });

  test("of somebody banned is refused", async () => {
    const { id } = await put({ externalId: "h1", name: "Ann" });
    await service().store.changeUser({ _id: id }, { ban: { reason: "", at: Date.now() } });
    await expect(vouch({ externalId: "h1" })).rejects.toMatchObject({ type: "user.banned" });
  });

  test("of somebody whose erasure has begun is put off until the name is free", async () => {
    const { id } = await put({ externalId: "h1", name: "Ann" });
    await service().store.changeUser({ _id: id }, { erasing: true });
    for (const name of ["Ann", "Eve"])
      await expect(put({ externalId: "h1", name })).rejects.toMatchObject({ type: "unavailable" });
  });
});

test("all sessions of one user end, and nobody else's", async () => {
  const ann = [await vouch({ externalId: "h1" }), await vouch({ externalId: "h1" })];
  const bob = await vouch({ externalId: "h2" });
  const ids = [...ann, bob].map(({ refreshToken }) => sessionIdOf(refreshToken));
  const end = (externalId: string) => call(user.broker, "user.host.endSessions", { externalId }, { meta: server() });
  await end("h1");
  await end("h1");
  expect((await call(user.broker, "user.session.check", { sessionIds: ids })).alive).toEqual([ids[2]]);
  expect(user.endedAll[0]).toEqual({ userId: ann[0]!.user.id, except: null });
  await expect(end("nobody")).rejects.toMatchObject({ type: "user.not_found" });
});

test("what the host does to accounts for good or at once is told of in the audit log, by its key", async () => {
  const { id } = await put({ externalId: "h1" });
  await call(user.broker, "user.host.endSessions", { externalId: "h1" }, { meta: server() });
  await call(user.broker, "user.host.erase", { externalId: "h1" }, { meta: server() });
  const acts = await service().store.admin.actsBefore({ target: id }, 10);
  const by = { by: `key:${keyId}`, address: "192.0.2.7" };
  expect(acts).toMatchObject([
    { ...by, action: "user.host.erase" },
    { ...by, action: "user.host.endSessions" },
  ]);
});

test("names are resolved, unknown ones left out", async () => {
  const [one, two] = [await put({ externalId: "h1" }), await put({ externalId: "h2" })];
  await service().store.changeUser({ _id: two.id }, { erasing: true });
  const resolve = (externalIds: string[]) => call(user.broker, "user.host.resolve", { externalIds });
  expect(await resolve(["h0", "h1", "h2"])).toEqual({ items: [{ externalId: "h1", userId: one.id }] });
  expect(await resolve([])).toEqual({ items: [] });
});

test("each wants its scope, and a signed-in user has none", async () => {
  const params = { externalId: "h1" };
  const asked = [
    ["user.host.put", "users", params],
    ["user.host.create", "users", { name: "Guest" }],
    ["user.host.vouch", "tokens", params],
    ["user.host.endSessions", "sessions", params],
  ] as const;
  const all = ["users", "tokens", "sessions", "chats", "messages"] as const;
  for (const [name, wanted, given] of asked) {
    const ask = (meta: Meta) => user.broker.call(name, given, { meta });
    await expect(ask({ keyId, scopes: all.filter((scope) => scope !== wanted) })).rejects.toMatchObject({
      type: "user.missing_scope",
    });
    await expect(ask({ userId: uuid(), role: "admin" })).rejects.toMatchObject({ type: "unauthenticated" });
  }
});
