import { call } from "@confab/mixins/define.ts";
import { beginErasure, type ErasingService } from "../erasing.ts";
import { askerOf, days, minutes, passTime, startUser, type TestUser } from "../testing.ts";

let user: TestUser;
beforeEach(async () => void (user = await startUser()));
afterEach(async () => {
  jest.restoreAllMocks();
  await user.stop();
});

const erase = (meta: ReturnType<typeof askerOf>) => call(user.broker, "user.me.erase", {}, { meta });

test("says when the account will be erased, ends all its sessions and mails its owner", async () => {
  const phone = askerOf(await user.signIn("ann@example.org"));
  const laptop = askerOf(await user.signIn("ann@example.org"));
  const before = Date.now();
  const { eraseAt } = await erase(laptop);
  expect(Date.parse(eraseAt)).toBeGreaterThanOrEqual(before + days(7));
  expect(user.mails.at(-1)).toMatchObject({ to: "ann@example.org", template: "erasure-begun", data: { eraseAt } });
  expect((await call(user.broker, "user.me.get", {}, { meta: laptop })).eraseAt).toBe(eraseAt);
  for (const meta of [phone, laptop]) await expect(erase(meta)).rejects.toMatchObject({ type: "unauthenticated" });
  expect(user.endedAll).toEqual([{ userId: phone.userId, except: null }]);
});

test("signing in during the grace calls it off", async () => {
  await erase(askerOf(await user.signIn("ann@example.org")));
  expect((await user.signIn("ann@example.org")).user.eraseAt).toBeNull();
});

test("wants a recent sign-in", async () => {
  const meta = askerOf(await user.signIn("ann@example.org"));
  passTime(minutes(11));
  await expect(erase(meta)).rejects.toMatchObject({ type: "user.recent_sign_in_required" });
  expect(user.endedAll).toEqual([]);
});

describe("once the grace is over", () => {
  const service = () => user.broker.getLocalService("user") as unknown as ErasingService;
  const stored = (userId: string) => service().store.userById(userId);
  const look = () => service().eraser!.look();

  /** Somebody who has asked for it long ago. */
  async function waiting(email: string) {
    const { user: ann, ...rest } = await user.signIn(email, { name: "Ann" });
    const meta = askerOf({ user: ann, ...rest });
    await call(user.broker, "user.me.change", { data: { note: "hers" } }, { meta });
    await erase(meta);
    passTime(days(8));
    return ann.id;
  }

  test("every service is asked until it is done, and of the account is left that there was one", async () => {
    const id = await waiting("ann@example.org");
    await look();
    expect(user.erased.chat).toEqual([1, 2].map(() => ({ userId: id, messages: false })));
    expect(user.erased.mail).toEqual(["ann@example.org"]);
    expect(await stored(id)).toEqual({
      ...{ _id: id, name: "", createdAt: expect.any(Number) as number, erasedAt: Date.now() },
    });
    expect(await service().store.sessionsOf(id)).toEqual([]);
    expect(await service().store.countPlaces(id)).toBe(0);
    expect((await call(user.broker, "user.profile.known", { userIds: [id] })).userIds).toEqual([]);
    // Whoever had looked at the account before all that is not signed in to what is left.
    expect(await service().store.callOffErasure(id)).toBeNull();
    // There is nothing left to do.
    await look();
    expect(user.erased.chat).toHaveLength(2);
    expect((await user.signIn("ann@example.org")).user.id).not.toBe(id);
  });

  test("what some service does not answer to is gone on with, and nobody calls it off meanwhile", async () => {
    const [id, other] = [await waiting("ann@example.org"), await waiting("bob@example.org")];
    user.mail.refuses = true;
    await look();
    for (const one of [id, other]) expect(await stored(one)).toMatchObject({ name: "Ann", erasing: true });
    // Also whoever had looked at the account before that.
    expect(await service().store.callOffErasure(id)).toBeNull();
    user.mail.refuses = false;
    await expect(user.signIn("ann@example.org")).rejects.toMatchObject({ type: "user.banned" });
    await look();
    for (const one of [id, other]) expect(await stored(one)).toMatchObject({ name: "", erasedAt: Date.now() });
  });

  test("whoever dies when the account is gone, and not all that was its, leaves that to another", async () => {
    const id = await waiting("ann@example.org");
    const { store } = service();
    const [session] = await store.sessionsOf(id);
    jest.spyOn(store, "scrub").mockRejectedValueOnce(new Error("killed"));
    await look();
    await store.startSession({ ...session!, device: "a phone of hers" });
    expect(await stored(id)).toMatchObject({ name: "", erasedAt: Date.now() });
    await look();
    expect(await store.sessionsOf(id)).toEqual([]);
    expect(await stored(id)).toEqual({ _id: id, name: "", createdAt: expect.any(Number) as number, erasedAt: Date.now() });
    expect(await store.dueErasures(Date.now(), 20)).toEqual([]);
  });

  test("a look that comes while another is under way finds what that one may have missed", async () => {
    const id = await waiting("ann@example.org");
    jest.spyOn(service().store, "dueErasures").mockResolvedValueOnce([]);
    await Promise.all([look(), look()]);
    expect(await stored(id)).toMatchObject({ erasedAt: Date.now() });
  });

  test("not before: while the grace lasts nothing is asked of anybody", async () => {
    await erase(askerOf(await user.signIn("ann@example.org")));
    passTime(days(6));
    await look();
    expect(user.erased.chat).toEqual([]);
  });

  test("asked for again it is due when it was", async () => {
    const { user: ann, ...rest } = await user.signIn("ann@example.org");
    const { eraseAt } = await erase(askerOf({ user: ann, ...rest }));
    passTime(days(1));
    expect(await beginErasure(service(), (await stored(ann.id))!, {})).toEqual({ eraseAt });
    expect(user.mails.filter(({ template }) => template === "erasure-begun")).toHaveLength(1);
  });
});

test("without a grace it is due once no node lets anybody in by a session that ended", async () => {
  await user.stop();
  user = await startUser({ DATA_DIR: "memory", ERASE_DAYS: "0" });
  const now = Date.now();
  const { eraseAt } = await erase(askerOf(await user.signIn("ann@example.org")));
  expect(Date.parse(eraseAt) - now).toBeGreaterThan(2000);
  expect(Date.parse(eraseAt) - now).toBeLessThan(10_000);
});
