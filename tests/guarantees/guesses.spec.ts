// Guessing, flooding and forging against the doors of accounts, over a real node with the limits that it has by default.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import type { ProblemDocument } from "@confab/contracts";
import { TestClient } from "../support/client.ts";
import type { TestUser } from "../support/user.ts";
import { embeddedWorld, type World } from "../support/world.ts";

const password = "correct horse battery";
/** The tests' nodes have none; here they are as an operator finds them. */
const usualRates = { RATE_USER: "", RATE_ADDRESS: "", RATE_KEY: "", RATE_CHAT: "", RATE_FIND: "", RATE_SIGN_IN: "" };

interface Answered {
  status: number;
  code: string | undefined;
  retryAfter: string | undefined;
}

/** Asks as it is told, header by header and byte by byte. */
function ask(url: string, path: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/api/v1${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)), ...headers },
    });
    sent.on("error", reject).on("response", (res) => {
      let text = "";
      res
        .setEncoding("utf8")
        .on("data", (chunk: string) => (text += chunk))
        .on("end", () => {
          const problem = text.startsWith("{") ? (JSON.parse(text) as Partial<ProblemDocument>) : {};
          resolve({ status: res.statusCode!, code: problem.code, retryAfter: res.headers["retry-after"] });
        });
    });
    sent.end(body);
  });
}

const post = (world: World, path: string, body: object, headers?: Record<string, string>) =>
  ask(world.doors[0]!.api, path, JSON.stringify(body), headers);

async function inLots<T>(count: number, atOnce: number, act: (at: number) => Promise<T>): Promise<T[]> {
  const done: T[] = [];
  for (let from = 0; from < count; from += atOnce)
    done.push(...(await Promise.all(Array.from({ length: Math.min(atOnce, count - from) }, (_, at) => act(from + at)))));
  return done;
}

const forged = (at: number) => ({
  "x-forwarded-for": `198.51.${Math.floor(at / 250)}.${at % 250}`,
  forwarded: `for=198.51.${Math.floor(at / 250)}.${at % 250}`,
  "x-real-ip": `198.51.${Math.floor(at / 250)}.${at % 250}`,
});

describe("guesses, with the limits as they are by default", () => {
  let world: World;
  let ann: TestUser;
  beforeAll(async () => {
    world = await embeddedWorld({ env: usualRates });
    ann = await world.user("ann");
    await ann.call("user.password.change", { password });
  });
  afterAll(() => world?.stop());

  test("3,000 passwords under as many forged addresses: ten are looked at, then all are refused", async () => {
    const answers = await inLots(3000, 50, (at) =>
      post(world, "/auth/login", { email: ann.email, password: `guess number ${at}` }, forged(at)),
    );
    const looked = answers.filter(({ code }) => code === "user.wrong_credentials");
    const refused = answers.filter(({ status }) => status === 429);
    expect(looked.length).toBeLessThanOrEqual(10);
    expect(looked.length + refused.length).toBe(3000);
    for (const { retryAfter } of refused) expect(Number(retryAfter)).toBeGreaterThan(0);
    // From this address nobody is served for the rest of the minute, which is no reason to throw anybody out.
    expect((await ann.client.ask("user.me.get", {})).problem?.code).toBe("too_many_requests");
  });
});

describe("codes, of which all that there are might be tried", () => {
  let world: World;
  beforeAll(async () => (world = await embeddedWorld()));
  afterAll(() => world?.stop());

  test("3,000 tries at once at one flow: five are looked at, and the right code is then refused too", async () => {
    const email = `ann.${randomUUID()}@example.test`;
    const client = new TestClient(world.doors[0]!);
    const { flowId } = await client.call("user.code.request", { email });
    const right = await world.mailedCode(email);
    const wrong = Array.from({ length: 3000 }, (_, at) => String(at).padStart(6, "0")).filter((code) => code !== right);
    const answers = await inLots(wrong.length, 100, (at) => post(world, "/auth/verify", { flowId, code: wrong[at] }, forged(at)));
    expect(new Set(answers.map(({ status, code }) => `${status} ${code}`))).toEqual(new Set(["401 user.wrong_code"]));
    const late = await client.ask("user.code.verify", { flowId, code: right });
    expect(late.problem?.code).toBe("user.wrong_code");
  });

  test("the code of an older flow is good for that one alone, and each once", async () => {
    const email = `ann.${randomUUID()}@example.test`;
    const client = new TestClient(world.doors[0]!);
    const older = await client.call("user.code.request", { email });
    const olderCode = await world.mailedCode(email);
    const newer = await client.call("user.code.request", { email });
    expect((await client.ask("user.code.verify", { flowId: newer.flowId, code: olderCode })).problem?.code).toBe(
      "user.wrong_code",
    );
    await client.call("user.code.verify", { flowId: older.flowId, code: olderCode });
    expect((await client.ask("user.code.verify", { flowId: older.flowId, code: olderCode })).problem?.code).toBe(
      "user.wrong_code",
    );
  });
});

describe("what is sent to break something", () => {
  let world: World;
  let ann: TestUser;
  let before: unknown;
  beforeAll(async () => {
    world = await embeddedWorld();
    ann = await world.user("ann");
    await ann.call("user.password.change", { password });
    before = await ann.call("user.me.get", {});
  });
  afterEach(async () => expect(await ann.call("user.me.get", {})).toEqual(before));
  afterAll(() => world?.stop());

  const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
  const deepObject = (levels: number) => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;

  const email = JSON.stringify("ann@example.test");
  const bodies: [string, string, string | Buffer][] = [
    ["an operator for an address", "/auth/login", '{"email":{"$ne":null},"password":"x"}'],
    ["an operator for a password", "/auth/login", `{"email":${email},"password":{"$gt":""}}`],
    ["an operator for a flow", "/auth/verify", '{"flowId":{"$exists":true},"code":"123456"}'],
    ["an operator for a code", "/auth/verify", `{"flowId":"${randomUUID()}","code":{"$regex":".*"}}`],
    ["an operator for a token", "/auth/refresh", '{"refreshToken":{"$ne":""}}'],
    ["an array for an address", "/auth/code", `{"email":[${email}]}`],
    ["arrays for everything", "/auth/login", `{"email":[${email}],"password":["x"]}`],
    ["__proto__", "/auth/code", `{"email":${email},"__proto__":{"role":"admin"}}`],
    ["constructor", "/auth/code", `{"email":${email},"constructor":{"prototype":{"role":"admin"}}}`],
    ["a role", "/auth/register", `{"email":${email},"password":"correct horse","name":"A","role":"admin"}`],
    ["10,000 arrays in each other", "/auth/code", `{"email":${deep(10_000)}}`],
    ["5,000 objects in each other", "/auth/login", `{"email":${deepObject(5000)},"password":"x"}`],
    ["bad UTF-8", "/auth/code", Buffer.from([...Buffer.from('{"email":"ann'), 0xff, 0xfe, ...Buffer.from('@example.test"}')])],
    ["half of a pair", "/auth/register", `{"email":${email},"password":"\\ud800correct horse","name":"A"}`],
    ["a zero byte in an address", "/auth/code", '{"email":"ann\\u0000@example.test"}'],
    ["two addresses", "/auth/code", '{"email":"ann@example.test,eve@example.test"}'],
    ["a line end in an address", "/auth/code", '{"email":"ann@example.test\\r\\nBcc: eve@example.test"}'],
    ["a number for a password", "/auth/login", `{"email":${email},"password":12345678}`],
    ["a password of 129", "/auth/register", `{"email":${email},"password":"${"x".repeat(129)}","name":"A"}`],
    ["a password of 7", "/auth/register", `{"email":${email},"password":"1234567","name":"A"}`],
  ];

  test.each(bodies)("%s is a 4xx, and the process lives", async (_, path, body) => {
    const { pid } = world.node("api");
    const answer = await ask(world.doors[0]!.api, path, body);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.code).toBeDefined();
    expect(world.node("api").pid).toBe(pid);
    expect(({} as Record<string, unknown>)["role"]).toBeUndefined();
  });

  const whileSignedIn: [string, string, string][] = [
    ["a role", "PATCH", '{"name":"Ann","role":"admin"}'],
    ["a rev", "PATCH", '{"rev":7}'],
    ["an id", "PATCH", `{"id":"${randomUUID()}"}`],
    ["__proto__ in data", "PATCH", '{"data":{"__proto__":{"role":"admin"}},"role":"admin"}'],
    ["an operator for the name", "PATCH", '{"name":{"$set":{"role":"admin"}}}'],
    ["10,000 arrays in data", "PATCH", `{"data":{"a":${deep(10_000)}}}`],
  ];
  test.each(whileSignedIn)("%s in a profile is a 4xx, and changes nothing", async (_, method, body) => {
    const answer = await ann.client.send("user.me.change", method, "/users/me", body);
    expect(answer.problem?.status).toBeGreaterThanOrEqual(400);
    expect(answer.problem?.status).toBeLessThan(500);
  });
});

describe("200 people who sign in at once", () => {
  let world: World;
  beforeAll(async () => (world = await embeddedWorld()));
  afterAll(() => world?.stop());

  /** Bytes of memory that the process has now. */
  const memory = () => 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${world.node("user").pid}/status`, "utf8"))![1]);

  test("leave others room to work, take bounded memory, and are let in or told when to come again", async () => {
    const ann = await world.user("ann");
    await ann.call("user.password.change", { password });
    await ann.call("chat.chat.list", {});
    const memoryBefore = memory();
    let most = 0;
    let done = false;
    let read = 0;
    let slowest = 0;
    const reading = (async () => {
      while (!done) {
        const from = performance.now();
        await ann.call("chat.chat.list", {});
        slowest = Math.max(slowest, performance.now() - from);
        read++;
        most = Math.max(most, memory() - memoryBefore);
      }
    })();
    // Each somebody else, and so are the places in the count of guesses: what is tried here is the work.
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, at) => post(world, "/auth/login", { email: `nobody.${at}@example.test`, password })),
    );
    done = true;
    await reading;
    console.log(
      `200 sign-ins: ${read} lists were read meanwhile, the slowest in ${Math.round(slowest)} ms, ${Math.round(most / 2 ** 20)} MiB more`,
    );
    for (const { status, code, retryAfter } of answers) {
      expect(["user.wrong_credentials", "unavailable"]).toContain(code);
      if (status === 503) expect(Number(retryAfter)).toBeGreaterThan(0);
    }
    // Two thirds at least have been looked at; the list went on all the while, and no hash took the memory of many.
    expect(answers.filter(({ status }) => status === 401).length).toBeGreaterThan(60);
    expect(read).toBeGreaterThan(20);
    expect(most).toBeLessThan(300 * 2 ** 20);
    expect((await ann.client.ask("user.me.get", {})).status).toBe(200);
  });
});
