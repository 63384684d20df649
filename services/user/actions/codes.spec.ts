import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { actions } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import { compileSchema } from "@confab/mixins/validator.ts";
import { v7 as uuid } from "uuid";
import { codeOf, minutes, passTime, startUser, wrongCode, type TestUser } from "../testing.ts";

let user: TestUser;
beforeEach(async () => void (user = await startUser()));
afterEach(async () => {
  jest.restoreAllMocks();
  await user.stop();
});

const verify = (flowId: string, code: string, name?: string) =>
  call(user.broker, "user.code.verify", { flowId, code, ...(name ? { name } : {}) });

test("a mailed code signs up, and the next one signs in to the same account", async () => {
  const first = await user.signIn("Ann@Example.org", { name: "Ann" });
  expect(compileSchema(actions["user.code.verify"].returns)(first)).toEqual([]);
  expect(first.user).toMatchObject({ name: "Ann", email: "ann@example.org" });
  expect(first.expiresIn).toBe(300);
  const second = await user.signIn("ann@example.org", { name: "Somebody" });
  expect(second.user).toEqual(first.user);
  expect(second.refreshToken).not.toBe(first.refreshToken);
});

test("without a name a user is called as the address is", async () => {
  expect((await user.signIn("ann@example.org")).user.name).toBe("ann");
});

test("the mail has the code and its minutes, and goes to the address that signs in", async () => {
  await user.mailedCode("Ann@example.org");
  expect(user.mails).toEqual([
    {
      jobId: expect.any(String) as string,
      template: "code",
      to: "ann@example.org",
      data: { code: expect.stringMatching(/^\d{6}$/), minutes: 10 },
    },
  ]);
});

test("known and unknown addresses get equal answers, and equal questions go to the store", async () => {
  await user.signIn("ann@example.org");
  const { store } = user.broker.getLocalService("user") as unknown as { store: object };
  const asked: string[] = [];
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(store)).filter((name) => name !== "constructor")) {
    const spied = jest.spyOn(store as Record<string, () => unknown>, name);
    const original = spied.getMockImplementation()!;
    spied.mockImplementation(function (this: unknown, ...given: []) {
      asked.push(name);
      return original.apply(this, given);
    });
  }
  const answers: string[][] = [];
  for (const email of ["ann@example.org", "nobody@example.org"]) {
    const answer = await call(user.broker, "user.code.request", { email });
    expect(answer).toEqual({ flowId: expect.any(String), expiresIn: 600 });
    answers.push(asked.splice(0));
  }
  expect(answers[0]).toEqual(answers[1]);
  expect(answers[0]!.length).toBeGreaterThan(0);
});

test("the fifth try may still be right", async () => {
  const { flowId, code } = await user.mailedCode("ann@example.org");
  for (let tries = 0; tries < 4; tries++)
    await expect(verify(flowId, wrongCode(code))).rejects.toMatchObject({ type: "user.wrong_code" });
  expect((await verify(flowId, code)).user.email).toBe("ann@example.org");
});

test("the sixth try is refused, right or not", async () => {
  const { flowId, code } = await user.mailedCode("ann@example.org");
  for (let tries = 0; tries < 5; tries++)
    await expect(verify(flowId, wrongCode(code))).rejects.toMatchObject({ type: "user.wrong_code" });
  await expect(verify(flowId, code)).rejects.toMatchObject({ type: "user.wrong_code", code: 401 });
});

test("a code is used once", async () => {
  const { flowId, code } = await user.mailedCode("ann@example.org");
  await verify(flowId, code);
  await expect(verify(flowId, code)).rejects.toMatchObject({ type: "user.wrong_code" });
});

test("two that verify at once sign in once", async () => {
  const { flowId, code } = await user.mailedCode("ann@example.org");
  const outcomes = await Promise.allSettled([verify(flowId, code), verify(flowId, code), verify(flowId, code)]);
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

test("two codes of a new address used at once make one account", async () => {
  const [one, other] = [await user.mailedCode("ann@example.org"), await user.mailedCode("ann@example.org")];
  const [first, second] = await Promise.all([verify(one.flowId, one.code), verify(other.flowId, other.code)]);
  expect(first.user).toEqual(second.user);
});

test("a code is good only with its own flow", async () => {
  const ann = await user.mailedCode("ann@example.org");
  let bob = await user.mailedCode("bob@example.org");
  while (bob.code === ann.code) bob = await user.mailedCode("bob@example.org");
  await expect(verify(ann.flowId, bob.code)).rejects.toMatchObject({ type: "user.wrong_code" });
  await expect(verify(uuid(), ann.code)).rejects.toMatchObject({ type: "user.wrong_code" });
});

test("a code runs out after ten minutes", async () => {
  const [late, intime] = [await user.mailedCode("ann@example.org"), await user.mailedCode("ann@example.org")];
  passTime(minutes(10) - 1000);
  await verify(intime.flowId, intime.code);
  passTime(1000);
  await expect(verify(late.flowId, late.code)).rejects.toMatchObject({ type: "user.wrong_code" });
});

test("an address gets five codes an hour, however it is written, and is told when to come again", async () => {
  passTime(0);
  for (const email of ["ann@example.org", "ANN@example.org", "Ann@Example.Org", "ann@EXAMPLE.org", "aNN@example.org"])
    await user.mailedCode(email);
  await expect(user.mailedCode("ann@example.org")).rejects.toMatchObject({
    type: "user.too_many_codes",
    code: 429,
    data: { retryAfter: 3600 },
  });
  await user.mailedCode("bob@example.org");
  expect(user.mails).toHaveLength(6);
  passTime(minutes(60));
  await user.mailedCode("ann@example.org");
});

test("every wrong field is named", async () => {
  const wrong = call(user.broker, "user.code.verify", { flowId: "x", code: "12", colour: "red" } as never);
  await expect(wrong).rejects.toMatchObject({ type: "VALIDATION_ERROR" });
  const { data } = await wrong.catch((err) => err);
  expect(data.map(({ field }: { field: string }) => field).sort()).toEqual(["code", "colour", "flowId"]);
});

test("the stored files hold neither code nor token, only hashes", async () => {
  const folder = mkdtempSync(join(tmpdir(), "confab-user-"));
  const kept = await startUser({ DATA_DIR: folder });
  try {
    const first = await kept.signIn("ann@example.org", { meta: { device: "Firefox" } });
    const second = await call(kept.broker, "user.session.refresh", { refreshToken: first.refreshToken });
    const secrets = [first, second].flatMap(({ refreshToken, accessToken }) => [
      refreshToken,
      refreshToken.split(".")[2]!,
      accessToken,
    ]);
    const code = codeOf(kept.mails[0]!);
    await kept.stop();
    const text = readdirSync(folder)
      .filter((name) => name.includes(".db"))
      .map((name) => readFileSync(join(folder, name), "latin1"))
      .join("\n");
    expect(text).toContain('"Firefox"');
    for (const secret of secrets) expect(text).not.toContain(secret);
    // The same digits can also be part of a time: no value may be the code.
    expect(text).not.toContain(`"${code}"`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
