import { randomBytes } from "node:crypto";
import type { Params } from "@confab/contracts";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { v7 as uuid } from "uuid";
import { define } from "./define.ts";
import { enclosing, mailsIndex, Outbox, type CausedMail, type Mailing } from "./outbox.ts";
import { problem } from "./problem.ts";
import { collection, type Collection } from "./store/collection.ts";
import { openTestStore } from "./store/testing.ts";
import { ContractValidator } from "./validator.ts";

const causes = collection<Mailing>("causes", [mailsIndex]);

let broker: ServiceBroker;
let all: Collection<Mailing>;
let accepted: Params<"mail.job.accept">[];
let answer: (params: Params<"mail.job.accept">) => Promise<void> | void;
let logged: string[];
let outboxes: Outbox<"causes">[];
const key = randomBytes(32);

beforeEach(async () => {
  broker = new ServiceBroker({ logger: false, validator: new ContractValidator() });
  accepted = [];
  logged = [];
  outboxes = [];
  answer = () => {};
  broker.createService({
    name: "mail",
    actions: define("mail.job.accept", async ({ params }) => {
      await answer(params);
      accepted.push(params);
      return { jobId: params.jobId! };
    }),
  } as ServiceSchema);
  await broker.start();
  all = await openTestStore().collection(causes);
});
afterEach(async () => {
  jest.restoreAllMocks();
  for (const outbox of outboxes) await outbox.stop();
  await broker.stop();
});

function open(keys: readonly Buffer[] | undefined = [key], at = all): Outbox<"causes"> {
  const keep = (...words: unknown[]) => void logged.push(words.map(String).join(" "));
  const logger = { error: keep, warn: keep, debug: keep };
  const outbox = new Outbox({ broker, logger, ...(keys ? { keys } : {}), collections: { causes: at } });
  outboxes.push(outbox);
  return outbox;
}

const codeTo = (to: string, code = "123456"): CausedMail => ({
  template: "code",
  to,
  data: { code, minutes: 10 },
  language: "de",
});

/** A cause that is stored, and whose process then died. */
async function store(outbox: Outbox<"causes">, ...mails: CausedMail[]): Promise<Mailing> {
  const _id = uuid();
  const [first, ...more] = mails.map((mail) => outbox.enclose("causes", _id, mail));
  await all.insert({ _id, ...enclosing(first) });
  for (const { mail, mailsAt } of more) await all.updateOne({ _id }, { $push: { mails: mail }, $set: { mailsAt } });
  return (await all.findOne({ _id }))!;
}

const waiting = () => all.find({ mailsAt: { $gt: "" } });
const sentTo = () => accepted.map(({ to }) => to);
const passTime = (ms: number) => {
  const now = Date.now() + ms;
  jest.spyOn(Date, "now").mockImplementation(() => now);
};

test("a mail is handed over with its number and language, and its cause is left as it was", async () => {
  const outbox = open();
  const cause = await store(outbox, codeTo("ann@example.org"));
  await outbox.handOver("causes", cause);
  const data = { code: "123456", minutes: 10 };
  expect(accepted).toEqual([
    { jobId: expect.any(String) as string, template: "code", to: "ann@example.org", data, language: "de" },
  ]);
  expect(await all.findOne({ _id: cause._id })).toEqual({ _id: cause._id });
  // Whoever has the document as it was hands over the same mail.
  await outbox.handOver("causes", cause);
  expect(new Set(accepted.map(({ jobId }) => jobId)).size).toBe(1);
});

test("the database tells neither the code nor the address, and a mail opens in its own document alone", async () => {
  const outbox = open();
  const cause = await store(outbox, codeTo("ann@example.org"));
  const dump = JSON.stringify(await all.find({}));
  const bytes = Buffer.from(cause.mails![0]!.split(".")[1]!, "base64url").toString("latin1");
  for (const text of [dump, bytes]) expect(text).not.toMatch(/123456|ann@|example|template/);
  const moved = { ...cause, _id: uuid() };
  await all.insert(moved);
  await outbox.handOver("causes", moved);
  expect(accepted).toEqual([]);
});

test("what was sealed with an older key opens, and with a strange one does not, nor what was changed", async () => {
  const cause = await store(open(), codeTo("ann@example.org"));
  await open([randomBytes(32)]).look();
  expect(accepted).toEqual([]);
  const [jobId, sealed] = cause.mails![0]!.split(".") as [string, string];
  const changed = `${jobId}.${sealed.slice(0, -4)}${sealed.endsWith("AAAA") ? "BBBB" : "AAAA"}`;
  await open().handOver("causes", { ...cause, mails: [changed] });
  expect(accepted).toEqual([]);
  await open([randomBytes(32), key]).look();
  expect(sentTo()).toEqual(["ann@example.org"]);
});

test("what no process is left to hand over is handed over by a look, all of it, the oldest first", async () => {
  const outbox = open();
  const names = Array.from({ length: 50 }, (_, at) => `p${String(at).padStart(2, "0")}@example.org`);
  for (const to of names) await store(outbox, codeTo(to));
  await open().look();
  expect(sentTo()).toHaveLength(50);
  expect(sentTo().slice(0, 20).toSorted()).toEqual(names.slice(0, 20));
  expect(await waiting()).toEqual([]);
});

test("two nodes that hand over at once hand over one mail", async () => {
  const cause = await store(open(), codeTo("ann@example.org"));
  await Promise.all([open().look(), open().look(), open().handOver("causes", cause)]);
  expect(new Set(accepted.map(({ jobId }) => jobId)).size).toBe(1);
  expect(await waiting()).toEqual([]);
});

test("what is added while another mail is handed over is not lost with it", async () => {
  const outbox = open();
  const cause = await store(outbox, codeTo("first@example.org"));
  answer = async ({ to }) => {
    if (to !== "first@example.org") return;
    const { mail, mailsAt } = outbox.enclose("causes", cause._id, codeTo("second@example.org"));
    await all.updateOne({ _id: cause._id }, { $push: { mails: mail }, $set: { mailsAt } });
    answer = () => {};
  };
  await outbox.handOver("causes", cause);
  expect(sentTo()).toEqual(["first@example.org"]);
  await outbox.look();
  expect(new Set(sentTo())).toEqual(new Set(["first@example.org", "second@example.org"]));
  expect(new Set(accepted.map(({ jobId }) => jobId)).size).toBe(2);
  expect(await waiting()).toEqual([]);
});

test("an answer waits no longer than its patience for a mail service that is silent, and the mail goes out after", async () => {
  const outbox = open();
  let speak = () => {};
  answer = () => new Promise<void>((resolve) => (speak = resolve));
  const cause = await store(outbox, codeTo("ann@example.org"));
  const from = performance.now();
  await outbox.handOver("causes", cause);
  expect(performance.now() - from).toBeLessThan(3000);
  expect(await waiting()).toHaveLength(1);
  speak();
  await outbox.look();
  expect(sentTo()).toEqual(["ann@example.org"]);
  expect(await waiting()).toEqual([]);
});

test("where the mail service is away nothing is thrown or lost, and it is said once", async () => {
  const outbox = open();
  answer = () => {
    throw problem("unavailable", { retryAfter: 1 });
  };
  const causes = [await store(outbox, codeTo("ann@example.org")), await store(outbox, codeTo("bob@example.org"))];
  for (const cause of causes) await outbox.handOver("causes", cause);
  await outbox.look();
  expect(await waiting()).toHaveLength(2);
  expect(logged).toEqual(["Mails wait, the mail service does not take them now: unavailable"]);
  answer = () => {};
  await outbox.look();
  expect(sentTo().toSorted()).toEqual(["ann@example.org", "bob@example.org"]);
});

test("where the store is away nothing is thrown", async () => {
  const away = { ...all, find: () => Promise.reject(new Error("ann@example.org")), updateOne: () => Promise.reject(new Error()) };
  const outbox = open([key], away);
  await outbox.handOver("causes", await store(outbox, codeTo("ann@example.org")));
  await outbox.look();
  expect(sentTo()).toEqual(["ann@example.org"]);
  expect(await waiting()).toHaveLength(1);
  expect(logged.join()).not.toContain("ann@");
});

test("a mail that is no mail keeps nobody waiting, and is given up after an hour, in words that name neither address nor code", async () => {
  const outbox = open();
  const bad = { template: "code", to: "ann@example.org, eve@example.org", data: { code: "123456", minutes: 1 } } as CausedMail;
  const good = codeTo("bob@example.org");
  await store(outbox, bad, good);
  for (let at = 0; at < 25; at++) await store(outbox, bad);
  await store(outbox, codeTo("eve@example.org"));
  await outbox.look();
  expect(sentTo()).toEqual(["bob@example.org", "eve@example.org"]);
  // It stands alone by now.
  await outbox.look();
  expect(sentTo()).toHaveLength(2);
  expect(await waiting()).toHaveLength(26);
  passTime(3_601_000);
  await outbox.look();
  expect(await waiting()).toEqual([]);
  expect(sentTo()).toHaveLength(2);
  expect(logged).toHaveLength(26);
  expect(logged[0]).toMatch(/^The mail [\w-]{36} \(code\) is given up: to format$/);
});

test("a service without a key of its own keeps mails as they are", async () => {
  const outbox = open([]);
  const plain = new Outbox({ broker, logger: { error() {}, warn() {}, debug() {} }, collections: { causes: all } });
  outboxes.push(plain);
  const cause = await store(plain, codeTo("ann@example.org"));
  // Whoever has keys believes only what is sealed.
  await outbox.look();
  expect(accepted).toEqual([]);
  await plain.handOver("causes", cause);
  expect(sentTo()).toEqual(["ann@example.org"]);
});

test("a stop waits a moment for what is in hand, and no longer", async () => {
  const outbox = open();
  let speak = () => {};
  answer = () => new Promise<void>((resolve) => (speak = resolve));
  void outbox.handOver("causes", await store(outbox, codeTo("ann@example.org")));
  const from = performance.now();
  await outbox.stop();
  expect(performance.now() - from).toBeLessThan(3000);
  expect(await waiting()).toHaveLength(1);
  speak();
});

describe("how often it looks for mails", () => {
  let looks: number;
  let outbox: Outbox<"causes">;
  const pass = (seconds: number) => jest.advanceTimersByTimeAsync(seconds * 1000);
  const looksIn = async (seconds: number) => {
    looks = 0;
    await pass(seconds);
    return looks;
  };

  beforeEach(() => {
    jest.useFakeTimers({ now: Date.now(), doNotFake: ["setImmediate", "nextTick", "queueMicrotask"] });
    const counting = Object.assign(Object.create(all) as typeof all, {
      find: (...asked: Parameters<typeof all.find>) => (looks++, all.find(...asked)),
      updateOne: (...asked: Parameters<typeof all.updateOne>) => all.updateOne(...asked),
    });
    outbox = open([key], counting);
  });
  afterEach(() => jest.useRealTimers());

  test("at the start, and then every eight seconds if nothing happens", async () => {
    expect(await looksIn(2.5)).toBe(1);
    expect(await looksIn(80)).toBe(10);
  });

  test("every two seconds for a while after one was caused here, or was found", async () => {
    await pass(20);
    outbox.enclose("causes", "a", codeTo("ann@example.test"));
    expect(await looksIn(9)).toBe(4);
    expect(await looksIn(80)).toBeLessThanOrEqual(11);
    // Another process leaves one, and the mail service is away.
    answer = () => {
      throw problem("unavailable");
    };
    const { mail, mailsAt } = open().enclose("causes", "b", codeTo("bob@example.test"));
    await all.insert({ _id: "b", mails: [mail], mailsAt });
    await pass(10);
    expect(await looksIn(60)).toBe(30);
    answer = () => {};
    await pass(3);
    expect(accepted).toHaveLength(1);
  });
});
