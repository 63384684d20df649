import type { SignedIn } from "@confab/contracts";
import { call, define, type Meta } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { v7 as uuid } from "uuid";
import { askerOf, startUser, type TestUser } from "../testing.ts";

let user: TestUser;
let ann: SignedIn;
let bob: SignedIn;
let asAdmin: Meta;
const chatId = uuid();
const messageId = uuid();
beforeEach(async () => {
  user = await startUser();
  ann = await user.signIn("ann@example.org");
  bob = await user.signIn("bob@example.org");
  user.met.set(ann.user.id, [bob.user.id]);
  asAdmin = { userId: uuid(), role: "admin" };
  const chat = user.broker.getLocalService("chat");
  // Ann sees the message, and nobody else does.
  const get = define("chat.message.get", async ({ params, meta }) => {
    if (meta.userId !== ann.user.id || params.messageId !== messageId) throw problem("chat.not_found");
    return { message: { senderId: bob.user.id, text: "rude words" } } as never;
  })["message.get"] as { handler: (...args: unknown[]) => unknown };
  await user.broker.destroyService(chat);
  user.broker.createService({ ...chat.schema, actions: { ...chat.schema.actions, "message.get": get } });
  await user.broker.waitForServices("chat");
});
afterEach(() => user.stop());

const report = (who: SignedIn, params: object) =>
  call(user.broker, "user.report.create", { reason: "abuse", ...params } as never, { meta: askerOf(who) });
const list = (params = {}) => call(user.broker, "user.report.list", params, { meta: asAdmin });

test("a message is reported with what it says, by whoever can read it", async () => {
  const { id } = await report(ann, { chatId, messageId, text: "look" });
  expect((await list()).items).toEqual([
    {
      ...{ id, by: ann.user.id, userId: bob.user.id, chatId, messageId, quote: "rude words", reason: "abuse", text: "look" },
      ...{ state: "open", note: "", createdAt: expect.any(String), closedAt: null, closedBy: null },
    },
  ]);
  await expect(report(bob, { chatId, messageId })).rejects.toMatchObject({ type: "chat.not_found" });
});

test("a person is reported by whoever knows them; unknown ones and those whom one may not see answer alike", async () => {
  await report(ann, { userId: bob.user.id });
  await expect(report(bob, { userId: ann.user.id })).rejects.toMatchObject({ type: "user.not_found", data: {} });
  await expect(report(bob, { userId: uuid() })).rejects.toMatchObject({ type: "user.not_found", data: {} });
});

test("nobody reports oneself, or nothing, or half a message, or somebody else as its sender", async () => {
  const fields = (params: object) =>
    report(ann, params).catch((err) => err.data?.errors?.map((one: { field: string }) => one.field));
  expect(await fields({ userId: ann.user.id })).toEqual(["userId"]);
  expect(await fields({})).toEqual(["userId"]);
  expect(await fields({ chatId })).toEqual(["messageId"]);
  expect(await fields({ messageId })).toEqual(["chatId"]);
  expect(await fields({ chatId, messageId, userId: uuid() })).toEqual(["userId"]);
});

test("the same report while it is open is one, however often and at once it is made", async () => {
  const made = await Promise.all(Array.from({ length: 10 }, () => report(ann, { chatId, messageId })));
  expect(new Set(made.map(({ id }) => id)).size).toBe(1);
  const [{ id }] = made as [{ id: string }];
  // A note while it is open leaves it what it is.
  await call(user.broker, "user.report.change", { reportId: id, state: "open", note: "looking" }, { meta: asAdmin });
  expect((await report(ann, { chatId, messageId })).id).toBe(id);
  await call(user.broker, "user.report.change", { reportId: id, state: "resolved" }, { meta: asAdmin });
  expect((await report(ann, { chatId, messageId })).id).not.toBe(id);
});

test("it is closed with a note, opened again, and listed by its state", async () => {
  const { id } = await report(ann, { userId: bob.user.id });
  const closed = await call(
    user.broker,
    "user.report.change",
    { reportId: id, state: "dismissed", note: "harmless" },
    { meta: asAdmin },
  );
  expect(closed).toMatchObject({ state: "dismissed", note: "harmless", closedBy: asAdmin.userId, closedAt: expect.any(String) });
  expect((await list({ state: "open" })).items).toEqual([]);
  expect((await list({ state: "dismissed" })).items).toHaveLength(1);
  const open = await call(user.broker, "user.report.change", { reportId: id, state: "open" }, { meta: asAdmin });
  expect(open).toMatchObject({ state: "open", note: "harmless", closedBy: null, closedAt: null });
  await expect(
    call(user.broker, "user.report.change", { reportId: uuid(), state: "open" }, { meta: asAdmin }),
  ).rejects.toMatchObject({ type: "user.report_not_found" });
});
