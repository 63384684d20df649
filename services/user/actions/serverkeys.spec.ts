import { call } from "@confab/mixins/define.ts";
import { v7 as uuid } from "uuid";
import type { UserService } from "../service.ts";
import { days, minutes, passTime, startUser, type TestUser } from "../testing.ts";

let user: TestUser;
beforeEach(async () => void (user = await startUser()));
afterEach(async () => {
  jest.restoreAllMocks();
  await user.stop();
});

const admin = { userId: uuid(), role: "admin", address: "192.0.2.1" } as const;
const create = (params: { expiresAt?: string } = {}) =>
  call(user.broker, "user.serverkey.create", { name: " backend ", scopes: ["users", "tokens"], ...params }, { meta: admin });
const check = (key: string) => call(user.broker, "user.serverkey.check", { key });
const list = async () => (await call(user.broker, "user.serverkey.list", {}, { meta: admin })).items;
const remove = (keyId: string) => call(user.broker, "user.serverkey.remove", { keyId }, { meta: admin });
const acts = () => {
  const { store } = user.broker.getLocalService("user") as unknown as UserService;
  return jest.spyOn(store.admin, "noteAct");
};

test("a key is shown once, stored as a hash, and good for its scopes", async () => {
  const made = await create();
  expect(made.key).toMatch(new RegExp(`^ck_${made.id}_[\\w-]{43}$`));
  expect(made).toMatchObject({ name: "backend", scopes: ["users", "tokens"], expiresAt: null, lastUsedAt: null });
  expect(await check(made.key)).toEqual({ keyId: made.id, scopes: ["users", "tokens"] });

  const { store } = user.broker.getLocalService("user") as unknown as UserService;
  expect(JSON.stringify(await store.serverKeys.byId(made.id))).not.toContain(made.key.slice(-43));
  expect(JSON.stringify(await list())).not.toContain(made.key.slice(-43));
});

test("two are good at once, and one is removed without the other", async () => {
  const [old, next] = [await create(), await create()];
  expect(await check(old.key)).not.toBeNull();
  expect(await check(next.key)).not.toBeNull();
  expect((await list()).map(({ id }) => id)).toEqual([next.id, old.id]);

  await remove(old.id);
  expect(await check(old.key)).toBeNull();
  expect(await check(next.key)).not.toBeNull();
  await expect(remove(old.id)).rejects.toMatchObject({ type: "user.key_not_found" });
});

test("what is not the key is no key", async () => {
  const { id, key } = await create();
  const other = await create();
  const flipped = key.slice(0, -2) + (key.at(-2) === "A" ? "B" : "A") + key.at(-1);
  const wrong = [
    flipped,
    key.slice(0, -1),
    `${key}A`,
    key.toUpperCase(),
    `ck_${uuid()}_${key.slice(-43)}`,
    `ck_${id}_${other.key.slice(-43)}`,
    `ck_${id}_`,
    id,
    "ck_",
    "",
  ];
  for (const one of wrong) expect([one, await check(one)]).toEqual([one, null]);
});

test("it is good until it expires, and then listed no more", async () => {
  const made = await create({ expiresAt: new Date(Date.now() + days(1)).toISOString() });
  passTime(days(1) - 1000);
  expect(await check(made.key)).not.toBeNull();
  passTime(1000);
  expect(await check(made.key)).toBeNull();
  expect(await list()).toEqual([]);
});

test("a key is not made for a time that is over", async () => {
  for (const expiresAt of [new Date(Date.now() - 1).toISOString(), new Date(0).toISOString()]) {
    const refusal = { type: "bad_input", data: { errors: [{ field: "expiresAt" }] } };
    await expect(create({ expiresAt })).rejects.toMatchObject(refusal);
  }
  expect(await list()).toEqual([]);
});

test("its last use is noted to the minute, and nobody waits for that", async () => {
  const { key } = await create();
  const { store } = user.broker.getLocalService("user") as unknown as UserService;
  const noteUse = jest.spyOn(store.serverKeys, "noteUse").mockReturnValueOnce(new Promise(() => {}));
  expect(await check(key)).not.toBeNull();
  noteUse.mockRejectedValueOnce(new Error("away"));
  expect(await check(key)).not.toBeNull();
  await check(key);
  const [{ lastUsedAt } = { lastUsedAt: null }] = await list();
  expect(Date.parse(lastUsedAt!)).toBeGreaterThan(Date.now() - 5000);

  noteUse.mockClear();
  await check(key);
  expect(noteUse).not.toHaveBeenCalled();
  passTime(minutes(1));
  await check(key);
  expect(noteUse).toHaveBeenCalledTimes(1);
});

test("fifty at most", async () => {
  await Promise.all(Array.from({ length: 50 }, () => create()));
  await expect(create()).rejects.toMatchObject({ type: "user.too_many_keys" });
});

test("only an admin makes, sees and removes them, and each act is noted before it is done", async () => {
  const { id } = await create();
  for (const meta of [
    {},
    { userId: uuid() },
    { userId: uuid(), role: "user" as const },
    { keyId: id, scopes: ["users" as const] },
  ]) {
    const type = "userId" in meta ? "forbidden" : "unauthenticated";
    const key = { name: "mine", scopes: ["users" as const] };
    await expect(call(user.broker, "user.serverkey.create", key, { meta })).rejects.toMatchObject({ type });
    await expect(call(user.broker, "user.serverkey.list", {}, { meta })).rejects.toMatchObject({ type });
    await expect(call(user.broker, "user.serverkey.remove", { keyId: id }, { meta })).rejects.toMatchObject({ type });
  }
  expect(await list()).toHaveLength(1);

  const noted = acts();
  const made = await create();
  await remove(made.id);
  const by = { by: admin.userId, address: admin.address, target: made.id };
  expect(noted.mock.calls.map(([act]) => act)).toMatchObject([
    { ...by, action: "user.serverkey.create" },
    { ...by, action: "user.serverkey.remove" },
  ]);
  expect(JSON.stringify(noted.mock.calls)).not.toContain(made.key.slice(-43));

  noted.mockRejectedValue(new Error("away"));
  await expect(create()).rejects.toThrow("away");
  await expect(remove(id)).rejects.toThrow("away");
  expect((await list()).map((one) => one.id)).toEqual([id]);
});
