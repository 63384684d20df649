import crypto from "node:crypto";
import { call, type Meta } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import type { SignedIn } from "@confab/contracts";
import type { Passwords } from "../passwords.ts";
import { askerOf, codeOf, minutes, passTime, startUser, wrongCode, type TestUser } from "../testing.ts";

let user: TestUser;
beforeEach(async () => void (user = await startUser()));
afterEach(async () => {
  jest.restoreAllMocks();
  await user.stop();
});

const right = "correct horse";
const ann = "ann@example.org";
const from = (address: string): Meta => ({ address, device: "Firefox" });
const alive = async ({ refreshToken }: SignedIn) => {
  const sessionId = refreshToken.split(".")[0]!;
  return (await call(user.broker, "user.session.check", { sessionIds: [sessionId] })).alive.length === 1;
};
const forgot = async (email: string, meta: Meta = {}) => {
  const { flowId } = await call(user.broker, "user.password.forgot", { email }, { meta });
  return { flowId, mail: user.mails.at(-1)! };
};

test("who registers waits for the code, and then signs in by password", async () => {
  const { flowId, expiresIn } = await call(user.broker, "user.account.register", { email: ann, password: right, name: " Ann " });
  expect(expiresIn).toBe(600);
  await expect(user.login(ann, right)).rejects.toMatchObject({ type: "user.wrong_credentials" });
  const code = codeOf(user.mails.at(-1)!);
  await expect(call(user.broker, "user.code.verify", { flowId, code: wrongCode(code) })).rejects.toMatchObject({
    type: "user.wrong_code",
  });
  const first = await call(user.broker, "user.code.verify", { flowId, code });
  expect(first.user).toMatchObject({ name: "Ann", email: ann, hasPassword: true, emailVerified: true });
  expect((await user.login("ANN@example.org", right)).user.id).toBe(first.user.id);
  await expect(user.login(ann, "wrong horse")).rejects.toMatchObject({ type: "user.wrong_credentials" });
});

test("whoever registers a known address gets the same answer, and its owner a mail; the password stays", async () => {
  await user.register(ann, right);
  const answer = await call(user.broker, "user.account.register", { email: ann, password: "mallory's own", name: "Ann" });
  expect(answer).toEqual({ flowId: expect.any(String), expiresIn: 600 });
  expect(user.mails.at(-1)).toEqual({ jobId: expect.any(String) as string, template: "known-address", to: ann, data: {} });
  for (let code = 0; code < 5; code++)
    await expect(call(user.broker, "user.code.verify", { flowId: answer.flowId, code: `00000${code}` })).rejects.toMatchObject({
      type: "user.wrong_code",
    });
  await expect(user.login(ann, "mallory's own")).rejects.toMatchObject({ type: "user.wrong_credentials" });
  await user.login(ann, right);
});

test("no code is good for a flow whose mail said something else, not even the one that was made for it", async () => {
  await user.register(ann, right);
  jest.spyOn(crypto, "randomInt").mockImplementation(() => 123_456);
  const { flowId } = await call(user.broker, "user.account.register", { email: ann, password: "mallory's own", name: "Ann" });
  await expect(call(user.broker, "user.code.verify", { flowId, code: "123456" })).rejects.toMatchObject({
    type: "user.wrong_code",
  });
  const known = await user.mailedCode(ann);
  expect(known.code).toBe("123456");
});

test("a registration that is finished after the address got an account changes no password", async () => {
  const { flowId } = await call(user.broker, "user.account.register", { email: ann, password: "mallory's own", name: "M" });
  const code = codeOf(user.mails.at(-1)!);
  await user.register(ann, right);
  const signedIn = await call(user.broker, "user.code.verify", { flowId, code });
  expect(signedIn.user.name).toBe("Ann");
  await expect(user.login(ann, "mallory's own")).rejects.toMatchObject({ type: "user.wrong_credentials" });
});

test.each(["user.account.register", "user.password.forgot", "user.code.request"] as const)(
  "%s asks the same of the store and mails once, known address or not",
  async (name) => {
    await user.register(ann, right);
    const { store } = user.broker.getLocalService("user") as unknown as { store: object };
    const asked: string[] = [];
    for (const method of Object.getOwnPropertyNames(Object.getPrototypeOf(store)).filter((one) => one !== "constructor")) {
      const original = (store as Record<string, (...given: unknown[]) => unknown>)[method]!;
      jest.spyOn(store as Record<string, () => unknown>, method).mockImplementation((...given: unknown[]) => {
        asked.push(method);
        return original.apply(store, given);
      });
    }
    const ask = (email: string) =>
      name === "user.account.register"
        ? call(user.broker, name, { email, password: right, name: "Ann" })
        : call(user.broker, name, { email });
    const seen: unknown[] = [];
    for (const email of [ann, "nobody@example.org"]) {
      const before = user.mails.length;
      expect(Object.keys(await ask(email)).sort()).toEqual(["expiresIn", "flowId"]);
      seen.push([asked.splice(0), user.mails.length - before]);
    }
    expect(seen[0]).toEqual(seen[1]);
  },
);

test("an unknown address, a wrong password and an account without one are refused alike", async () => {
  await user.register(ann, right);
  await user.signIn("bob@example.org");
  const refusals = await Promise.all(
    [ann, "nobody@example.org", "bob@example.org"].map((email) =>
      user.login(email, "wrong horse").catch((err: { type: string; message: string; data: unknown }) => err),
    ),
  );
  const seen = refusals.map((err) => ({ ...(err as object), type: (err as { type: string }).type }));
  expect(new Set(seen.map((one) => JSON.stringify({ type: one.type, data: (one as { data?: unknown }).data }))).size).toBe(1);
  expect(seen[0]).toMatchObject({ type: "user.wrong_credentials" });
});

test("the password is hashed anew at sign-in where the cost has risen", async () => {
  await user.register(ann, right);
  const service = user.broker.getLocalService("user") as unknown as {
    passwords: unknown;
    store: { userByEmail(email: string): Promise<{ passwordHash: string }> };
  };
  const { Passwords } = await import("../passwords.ts");
  service.passwords = new Passwords({ PASSWORD_MEMORY: 19_456, PASSWORD_PASSES: 3 });
  await user.login(ann, right);
  expect((await service.store.userByEmail(ann)).passwordHash).toMatch(/t=3/);
  await user.login(ann, right);
});

describe("guesses", () => {
  const guess = (at: string, password = "wrong horse") =>
    user.login(ann, password, { meta: from(at) }).then(
      () => "in",
      (err: { type: string }) => err.type,
    );

  test("after ten in an hour the eleventh is refused, the right one too, and an hour later not", async () => {
    await user.register(ann, right);
    for (let at = 0; at < 10; at++) expect(await guess("192.0.2.1")).toBe("user.wrong_credentials");
    const refused = await user.login(ann, right, { meta: from("192.0.2.1") }).catch((err) => err);
    expect(refused).toMatchObject({ type: "user.too_many_tries" });
    expect(refused.data.retryAfter).toBeGreaterThan(3500);
    passTime(minutes(61));
    expect(await guess("192.0.2.1", right)).toBe("in");
  });

  test("many at once get no more", async () => {
    await user.register(ann, right);
    const answers = await Promise.all(Array.from({ length: 30 }, () => guess("192.0.2.1")));
    expect(answers.filter((one) => one === "user.wrong_credentials")).toHaveLength(10);
  });

  test("right ones use nothing up", async () => {
    await user.register(ann, right);
    for (let at = 0; at < 12; at++) expect(await guess("192.0.2.1", right)).toBe("in");
  });

  test("those that nobody could look at use nothing up either", async () => {
    await user.register(ann, right);
    const { passwords } = user.broker.getLocalService("user") as unknown as { passwords: Passwords };
    const looks = jest.spyOn(passwords, "matches").mockRejectedValue(problem("unavailable", { retryAfter: 1 }));
    for (let at = 0; at < 12; at++) expect(await guess("192.0.2.1")).toBe("unavailable");
    looks.mockRestore();
    expect(await guess("192.0.2.1", right)).toBe("in");
  });

  test("strangers from anywhere get fifty, and do not lock out who was here before", async () => {
    await user.register(ann, right, from("192.0.2.1"));
    const answers: string[] = [];
    for (let at = 0; at < 60; at++) answers.push(await guess(`198.51.100.${at}`));
    expect(answers.filter((one) => one === "user.wrong_credentials")).toHaveLength(50);
    expect(await guess("203.0.113.9", right)).toBe("user.too_many_tries");
    expect(await guess("192.0.2.1", right)).toBe("in");
  });

  test("strangers who ask for codes leave some for who was here before", async () => {
    await user.register(ann, right, from("192.0.2.1"));
    const ask = (at: string) =>
      call(user.broker, "user.code.request", { email: ann }, { meta: from(at) }).then(
        () => "mailed",
        (err: { type: string }) => err.type,
      );
    const answers: string[] = [];
    for (let at = 0; at < 30; at++) answers.push(await ask(`198.51.100.${at}`));
    // One of the twenty went for the registration.
    expect(answers.filter((one) => one === "mailed")).toHaveLength(19);
    expect(await ask("192.0.2.1")).toBe("mailed");
  });
});

describe("forgotten", () => {
  test("a code sets a new one, signs in and ends every other session", async () => {
    const before = await user.register(ann, right);
    const { flowId, mail } = await forgot(ann);
    expect(mail).toMatchObject({ template: "reset-code", to: ann });
    const after = await call(user.broker, "user.password.reset", { flowId, code: codeOf(mail), password: "another horse" });
    expect(await alive(before)).toBe(false);
    expect(await alive(after)).toBe(true);
    expect(user.endedAll).toContainEqual({ userId: before.user.id, except: null });
    expect(user.mails.at(-1)).toMatchObject({ template: "password-changed", to: ann });
    await expect(user.login(ann, right)).rejects.toMatchObject({ type: "user.wrong_credentials" });
    await user.login(ann, "another horse");
    await expect(
      call(user.broker, "user.password.reset", { flowId, code: codeOf(mail), password: "third horse" }),
    ).rejects.toMatchObject({ type: "user.wrong_code" });
  });

  test("the code of an unknown address is a mail that says so, and nothing is good for it", async () => {
    const { flowId, mail } = await forgot("nobody@example.org");
    expect(mail).toEqual({
      jobId: expect.any(String) as string,
      template: "unknown-address",
      to: "nobody@example.org",
      data: {},
    });
    await expect(call(user.broker, "user.password.reset", { flowId, code: "123456", password: right })).rejects.toMatchObject({
      type: "user.wrong_code",
    });
  });

  test("a code is good for its own purpose only", async () => {
    await user.register(ann, right);
    const reset = await forgot(ann);
    await expect(call(user.broker, "user.code.verify", { flowId: reset.flowId, code: codeOf(reset.mail) })).rejects.toMatchObject(
      { type: "user.wrong_code" },
    );
    const signIn = await user.mailedCode(ann);
    await expect(call(user.broker, "user.password.reset", { ...signIn, password: "another horse" })).rejects.toMatchObject({
      type: "user.wrong_code",
    });
  });

  test("a password that is no good uses no code up", async () => {
    await user.register(ann, right);
    const { flowId, mail } = await forgot(ann);
    const reset = (password: string) => call(user.broker, "user.password.reset", { flowId, code: codeOf(mail), password });
    await expect(reset("password1")).rejects.toMatchObject({ type: "bad_input" });
    await reset("another horse");
  });
});

describe("changed", () => {
  const change = (who: SignedIn, params: { password: string; current?: string }) =>
    call(user.broker, "user.password.change", params, { meta: askerOf(who) });

  test("with the current one, and every other session ends but this", async () => {
    const here = await user.register(ann, right);
    const there = await user.login(ann, right);
    passTime(minutes(11));
    await change(here, { password: "another horse", current: right });
    expect(await alive(here)).toBe(true);
    expect(await alive(there)).toBe(false);
    expect(user.endedAll).toContainEqual({ userId: here.user.id, except: here.refreshToken.split(".")[0] });
    await user.login(ann, "another horse");
  });

  // G6: whatever was looked at before the hashing may be over after it.
  test("not by a session that is ended while the new one is hashed, which then stays ended", async () => {
    const stolen = await user.register(ann, right);
    const own = await user.login(ann, right);
    const { passwords } = user.broker.getLocalService("user") as unknown as { passwords: Passwords };
    const hash = passwords.hash.bind(passwords);
    jest.spyOn(passwords, "hash").mockImplementationOnce(async (password) => {
      await change(own, { password: "the owner's horse", current: right });
      return hash(password);
    });
    await expect(change(stolen, { password: "another horse", current: right })).rejects.toMatchObject({
      type: "unauthenticated",
    });
    expect([await alive(stolen), await alive(own)]).toEqual([false, true]);
    await user.login(ann, "the owner's horse");
  });

  test("not by a current one that this session itself has changed meanwhile", async () => {
    const here = await user.register(ann, right);
    const both = await Promise.allSettled(
      ["another horse", "the third horse"].map((password) => change(here, { password, current: right })),
    );
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(both.find(({ status }) => status === "rejected")).toMatchObject({ reason: { type: "user.wrong_credentials" } });
    expect(await alive(here)).toBe(true);
  });

  test("not with a wrong current one, nor without", async () => {
    const here = await user.register(ann, right);
    await expect(change(here, { password: "another horse", current: "wrong horse" })).rejects.toMatchObject({
      type: "user.wrong_credentials",
    });
    await expect(change(here, { password: "another horse" })).rejects.toMatchObject({ type: "user.wrong_credentials" });
  });

  test("a first one wants a recent sign-in", async () => {
    const here = await user.signIn(ann);
    passTime(minutes(11));
    await expect(change(here, { password: right })).rejects.toMatchObject({ type: "user.recent_sign_in_required" });
    jest.restoreAllMocks();
    await change(here, { password: right });
    await user.login(ann, right);
  });

  test("a session that signed in with the password of before ends too, however late it is stored", async () => {
    const here = await user.register(ann, right);
    const { store } = user.broker.getLocalService("user") as unknown as {
      store: { startSession(session: object): Promise<void> };
    };
    const start = store.startSession.bind(store);
    jest.spyOn(store, "startSession").mockImplementationOnce(async (session) => {
      await change(here, { password: "another horse", current: right });
      await start(session);
    });
    const late = await user.login(ann, right);
    expect(await alive(late)).toBe(false);
    expect(await alive(here)).toBe(true);
  });
});
