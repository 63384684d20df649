import { call } from "@confab/mixins/define.ts";
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
