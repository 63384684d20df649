import { call } from "@confab/mixins/define.ts";
import { askerOf, codeOf, minutes, passTime, startUser, type TestUser } from "../testing.ts";

let user: TestUser;
beforeEach(async () => void (user = await startUser()));
afterEach(async () => {
  jest.restoreAllMocks();
  await user.stop();
});

const right = "correct horse";

test("the new address is proved by a code, the old one is told, and the account signs in by the new one alone", async () => {
  const here = await user.register("ann@example.org", right);
  const meta = { ...askerOf(here), device: "Firefox", address: "192.0.2.1" };
  const { flowId } = await call(user.broker, "user.email.change", { email: "Ann@New.example" }, { meta });
  const mail = user.mails.at(-1)!;
  expect(mail).toMatchObject({ template: "email-code", to: "ann@new.example" });
  expect(await call(user.broker, "user.me.get", {}, { meta })).toMatchObject({ email: "ann@example.org" });
  const changed = await call(user.broker, "user.email.confirm", { flowId, code: codeOf(mail) }, { meta });
  expect(changed.email).toBe("ann@new.example");
  expect(user.mails.at(-1)).toMatchObject({
    template: "email-changed",
    to: "ann@example.org",
    data: { newEmail: "ann@new.example", device: "Firefox", address: "192.0.2.1" },
  });
  await user.login("ann@new.example", right);
  await expect(user.login("ann@example.org", right)).rejects.toMatchObject({ type: "user.wrong_credentials" });
});

test("an address that somebody has is told of it, and the answer is the same", async () => {
  const here = await user.register("ann@example.org", right);
  await user.register("bob@example.org", right);
  const answer = await call(user.broker, "user.email.change", { email: "bob@example.org" }, { meta: askerOf(here) });
  expect(Object.keys(answer).sort()).toEqual(["expiresIn", "flowId"]);
  expect(user.mails.at(-1)).toEqual({
    jobId: expect.any(String) as string,
    template: "known-address",
    to: "bob@example.org",
    data: {},
  });
});

test("an address that somebody took since the code was mailed is not taken from them", async () => {
  const here = await user.register("ann@example.org", right);
  const { flowId } = await call(user.broker, "user.email.change", { email: "new@example.org" }, { meta: askerOf(here) });
  const code = codeOf(user.mails.at(-1)!);
  const bob = await user.register("new@example.org", right);
  await expect(call(user.broker, "user.email.confirm", { flowId, code }, { meta: askerOf(here) })).rejects.toMatchObject({
    type: "user.wrong_code",
  });
  expect((await user.login("new@example.org", right)).user.id).toBe(bob.user.id);
});

test("another's code changes nobody's address, and it wants a recent sign-in", async () => {
  const here = await user.register("ann@example.org", right);
  const bob = await user.register("bob@example.org", right);
  const { flowId } = await call(user.broker, "user.email.change", { email: "new@example.org" }, { meta: askerOf(here) });
  const code = codeOf(user.mails.at(-1)!);
  await expect(call(user.broker, "user.email.confirm", { flowId, code }, { meta: askerOf(bob) })).rejects.toMatchObject({
    type: "user.wrong_code",
  });
  passTime(minutes(11));
  await expect(
    call(user.broker, "user.email.change", { email: "new@example.org" }, { meta: askerOf(here) }),
  ).rejects.toMatchObject({ type: "user.recent_sign_in_required" });
});
