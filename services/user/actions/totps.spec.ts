import type { SignedIn } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import { Secret, TOTP } from "otpauth";
import type { Passwords } from "../passwords.ts";
import { askerOf, codeOf, minutes, passTime, startUser, type TestUser } from "../testing.ts";

let user: TestUser;
beforeEach(async () => void (user = await startUser()));
afterEach(async () => {
  jest.restoreAllMocks();
  await user.stop();
});

const ann = "ann@example.org";
const right = "correct horse";
const codeAt = (secret: string, ms = Date.now()) => new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: ms });
const next = 30_000;

/** Turns the second factor on; a step later its codes are fresh. */
async function turnOn(who: SignedIn) {
  const meta = askerOf(who);
  const { secret, uri } = await call(user.broker, "user.totp.begin", {}, { meta });
  const { recoveryCodes } = await call(user.broker, "user.totp.confirm", { code: codeAt(secret) }, { meta });
  passTime(next);
  return { secret, uri, recoveryCodes };
}

test("its first code turns it on, and its owner is told", async () => {
  const here = await user.register(ann, right);
  const { uri, secret, recoveryCodes } = await turnOn(here);
  expect(uri).toMatch(/^otpauth:\/\/totp\/Confab:ann%40example\.org\?/);
  expect(uri).toContain(secret);
  expect(new Set(recoveryCodes).size).toBe(10);
  expect(user.mails.at(-1)).toMatchObject({ template: "totp-changed", data: { on: true } });
  expect(await call(user.broker, "user.me.get", {}, { meta: askerOf(here) })).toMatchObject({ hasTotp: true });
});

test("a secret that no code confirmed asks for nothing", async () => {
  const here = await user.register(ann, right);
  const { secret } = await call(user.broker, "user.totp.begin", {}, { meta: askerOf(here) });
  const wrong = codeAt(secret) === "000000" ? "000001" : "000000";
  await expect(call(user.broker, "user.totp.confirm", { code: wrong }, { meta: askerOf(here) })).rejects.toMatchObject({
    type: "user.wrong_totp",
  });
  await user.login(ann, right);
});

describe("every way in asks for it", () => {
  const ways: [string, (totp?: string) => Promise<unknown>][] = [
    ["password", (totp) => user.login(ann, right, totp ? { totp } : {})],
    [
      "code",
      async (totp) => {
        const { flowId, code } = await user.mailedCode(ann);
        return call(user.broker, "user.code.verify", { flowId, code, ...(totp ? { totp } : {}) });
      },
    ],
    [
      "reset",
      async (totp) => {
        const { flowId } = await call(user.broker, "user.password.forgot", { email: ann });
        const params = { flowId, code: codeOf(user.mails.at(-1)!), password: "another horse" };
        return call(user.broker, "user.password.reset", { ...params, ...(totp ? { totp } : {}) });
      },
    ],
  ];

  test.each(ways)("%s", async (_, enter) => {
    const { secret } = await turnOn(await user.register(ann, right));
    await expect(enter()).rejects.toMatchObject({ type: "user.totp_required" });
    const wrong = codeAt(secret) === "000000" ? "000001" : "000000";
    await expect(enter(wrong)).rejects.toMatchObject({ type: "user.wrong_totp" });
    expect(await enter(codeAt(secret))).toHaveProperty("accessToken");
  });
});

test("a mailed code that came without it comes again with it", async () => {
  const { secret } = await turnOn(await user.register(ann, right));
  const flow = await user.mailedCode(ann);
  await expect(call(user.broker, "user.code.verify", flow)).rejects.toMatchObject({ type: "user.totp_required" });
  await call(user.broker, "user.code.verify", { ...flow, totp: codeAt(secret) });
});

test("a step is accepted once, also from many at once, and none before it", async () => {
  const { secret } = await turnOn(await user.register(ann, right));
  const totp = codeAt(secret);
  const answers = await Promise.allSettled(Array.from({ length: 5 }, () => user.login(ann, right, { totp })));
  expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  await expect(user.login(ann, right, { totp: codeAt(secret, Date.now() - next) })).rejects.toMatchObject({
    type: "user.wrong_totp",
  });
  await user.login(ann, right, { totp: codeAt(secret, Date.now() + next) });
});

test("a recovery code is good once", async () => {
  const { recoveryCodes } = await turnOn(await user.register(ann, right));
  await user.login(ann, right, { totp: recoveryCodes[3]! });
  await expect(user.login(ann, right, { totp: recoveryCodes[3]! })).rejects.toMatchObject({ type: "user.wrong_totp" });
  await user.login(ann, right, { totp: recoveryCodes[4]! });
});

test("recovery codes are stored as passwords are: by no hash that whoever has the store could try through", async () => {
  const { recoveryCodes } = await turnOn(await user.register(ann, right));
  const { passwords } = user.broker.getLocalService("user") as unknown as { passwords: Passwords };
  const slow = jest.spyOn(passwords, "fingerprint");
  await user.login(ann, right, { totp: recoveryCodes[0]! });
  expect(slow).toHaveBeenCalledTimes(1);
});

test("a first code that is sent twice at once leaves recovery codes that are good", async () => {
  const meta = askerOf(await user.register(ann, right));
  const { secret } = await call(user.broker, "user.totp.begin", {}, { meta });
  const confirm = () => call(user.broker, "user.totp.confirm", { code: codeAt(secret) }, { meta });
  const both = await Promise.allSettled([confirm(), confirm()]);
  const shown = both.flatMap((one) => (one.status === "fulfilled" ? [one.value.recoveryCodes] : []));
  expect(shown).toHaveLength(1);
  for (const totp of shown[0]!.slice(0, 2)) await user.login(ann, right, { totp });
});

test("guesses are counted by account, and the right one is then refused too", async () => {
  const { secret } = await turnOn(await user.register(ann, right));
  const wrong = codeAt(secret) === "000000" ? "000001" : "000000";
  for (let at = 0; at < 10; at++)
    await expect(user.login(ann, right, { totp: wrong })).rejects.toMatchObject({ type: "user.wrong_totp" });
  await expect(user.login(ann, right, { totp: codeAt(secret) })).rejects.toMatchObject({ type: "user.too_many_tries" });
});

test("changing it wants a recent sign-in, for which the password once more is enough", async () => {
  const here = await user.register(ann, right);
  const meta = askerOf(here);
  const { secret } = await turnOn(here);
  passTime(minutes(11));
  for (const name of ["user.totp.begin", "user.totp.remove"] as const)
    await expect(call(user.broker, name, {}, { meta })).rejects.toMatchObject({ type: "user.recent_sign_in_required" });
  await expect(call(user.broker, "user.session.confirm", { password: right }, { meta })).rejects.toMatchObject({
    type: "user.totp_required",
  });
  await call(user.broker, "user.session.confirm", { password: right, totp: codeAt(secret) }, { meta });
  await call(user.broker, "user.totp.remove", {}, { meta });
  expect(user.mails.at(-1)).toMatchObject({ template: "totp-changed", data: { on: false } });
  await user.login(ann, right);
});

test("one that is on is not begun anew", async () => {
  const here = await user.register(ann, right);
  await turnOn(here);
  await expect(call(user.broker, "user.totp.begin", {}, { meta: askerOf(here) })).rejects.toMatchObject({
    type: "user.totp_is_on",
  });
});
