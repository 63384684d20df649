import { actions } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import { compileSchema } from "@confab/mixins/validator.ts";
import { v7 as uuid } from "uuid";
import type { UserService } from "../service.ts";
import { tellAll } from "../telling.ts";
import { startUser, type TestUser } from "../testing.ts";

let user: TestUser;
beforeAll(async () => void (user = await startUser()));
afterAll(() => user.stop());

test("I see my own account, with its address", async () => {
  const { user: me } = await user.signIn("me@example.org", { name: "Me" });
  const meta = { userId: me.id };
  const seen = await call(user.broker, "user.me.get", {}, { meta });
  expect(seen).toEqual(me);
  expect(compileSchema(actions["user.me.get"].returns)(seen)).toEqual([]);
});

test("I change my name; without one nothing changes", async () => {
  const { user: me } = await user.signIn("changing@example.org");
  const meta = { userId: me.id };
  expect(await call(user.broker, "user.me.change", { name: " New Name " }, { meta })).toEqual({ ...me, name: "New Name" });
  expect(await call(user.broker, "user.me.change", {}, { meta })).toEqual({ ...me, name: "New Name" });
  await expect(call(user.broker, "user.me.change", { name: "  " }, { meta })).rejects.toMatchObject({ type: "VALIDATION_ERROR" });
});

test("my own log is told of a changed profile, later where that is not possible now, and once", async () => {
  const { user: me } = await user.signIn("telling@example.org");
  const meta = { userId: me.id };
  const ofMine = () => user.noted.filter(({ userId }) => userId === me.id);
  await call(user.broker, "user.me.change", { name: "First" }, { meta });
  user.chat.refuses = true;
  await call(user.broker, "user.me.change", { name: "Second" }, { meta });
  expect(ofMine()).toEqual([{ userId: me.id, name: "First", version: 1 }]);
  user.chat.refuses = false;
  const service = user.broker.getLocalService("user") as UserService;
  await tellAll(service);
  await tellAll(service);
  expect(ofMine().slice(1)).toEqual([{ userId: me.id, name: "Second", version: 2 }]);
});

test("who has no account any more must sign in", async () => {
  const meta = { userId: uuid() };
  await expect(call(user.broker, "user.me.get", {}, { meta })).rejects.toMatchObject({ type: "unauthenticated" });
  await expect(call(user.broker, "user.me.change", { name: "Nobody" }, { meta })).rejects.toMatchObject({
    type: "unauthenticated",
  });
});

test("others see id and name, and nothing else", async () => {
  const { user: ann } = await user.signIn("ann@example.org", { name: "Ann" });
  const meta = { userId: uuid() };
  const profile = { id: ann.id, name: "Ann" };
  expect(await call(user.broker, "user.profile.get", { userId: ann.id }, { meta })).toEqual(profile);
  expect(await call(user.broker, "user.profile.find", { q: " ANN@example.org " }, { meta })).toEqual({
    items: [profile],
    nextCursor: null,
  });
});

test("only the exact address finds, and only a signed-in user may look", async () => {
  await user.signIn("carol@example.org");
  const meta = { userId: uuid() };
  for (const q of ["carol", "carol@example", "arol@example.org"]) {
    expect(await call(user.broker, "user.profile.find", { q }, { meta })).toEqual({ items: [], nextCursor: null });
  }
  await expect(call(user.broker, "user.profile.get", { userId: uuid() }, { meta })).rejects.toMatchObject({
    type: "user.not_found",
    code: 404,
  });
  await expect(call(user.broker, "user.profile.find", { q: "carol@example.org" })).rejects.toMatchObject({
    type: "unauthenticated",
  });
});

test("the known among many users", async () => {
  const { user: dave } = await user.signIn("dave@example.org");
  expect(await call(user.broker, "user.profile.known", { userIds: [uuid(), dave.id] })).toEqual({ userIds: [dave.id] });
});
