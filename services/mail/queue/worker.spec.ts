import { setTimeout as pause } from "node:timers/promises";
import { Unavailable, type Database } from "@confab/mixins/store/collection.ts";
import { openTestStore } from "@confab/mixins/store/testing.ts";
import { makeJob, type Job } from "../job.ts";
import type { Mail } from "../mail.ts";
import { MailStore } from "../store/mail.store.ts";
import { Refused } from "../transports/transport.ts";
import { growingPauses, leaseMs } from "./queue.ts";
import { MailWorker, mostTakes, Unsendable, type WorkerOptions } from "./worker.ts";

const day = 24 * 3_600_000;
const aMoment = 20;

let database: Database;
let store: MailStore;
let lines: string[];
let counted: string[];
let now: number;

beforeEach(async () => {
  store = await MailStore.open((database = openTestStore()));
  [lines, counted, now] = [[], [], 1000 * day];
});
afterEach(() => database.close());

const newJob = (to = "Ann@example.org") =>
  makeJob({ template: "code", to, data: { code: "123456", minutes: 10 } }, "Confab <no-reply@example.org>");

function open(options: Partial<WorkerOptions> = {}): MailWorker {
  const log = { info: (line: string) => void lines.push(line), warn: (line: string) => void lines.push(line) };
  const make = async (job: Job) => ({ jobId: job.id, messageId: job.messageId }) as Mail;
  const rest = { store, log, make, send: async () => "250 queued", count: (what: string) => void counted.push(what) };
  return new MailWorker({ ...rest, pausesMs: [10, 30], noteAgainMs: 5, now: () => now, ...options });
}

async function added(job = newJob()): Promise<Job> {
  await store.addJob(job, now);
  return job;
}

const stored = async ({ id }: Job) => (await store.jobById(id))!;

describe("a mail", () => {
  test("is sent, noted with the mail server's answer, and looked at no more", async () => {
    const sent: Mail[] = [];
    const worker = open({ send: async (mail) => (sent.push(mail), "250 2.0.0 queued as 4711") });
    const job = await added();
    expect(await worker.take(job.id)).toBeUndefined();
    expect(await worker.take(job.id)).toBeUndefined();
    expect(await worker.take("nobody's")).toBeUndefined();
    expect(sent).toEqual([{ jobId: job.id, messageId: job.messageId }]);
    expect(await stored(job)).toMatchObject({ state: "sent", address: "ann@example.org" });
    expect((await stored(job)).history.at(-1)).toEqual({ at: now, what: "sent", answer: "250 2.0.0 queued as 4711" });
    expect(JSON.stringify(await stored(job))).not.toContain("123456");
    expect(counted).toEqual(["sent"]);
    expect(lines).toEqual([`Mail ${job.id} (code) is sent`]);
  });

  test("that fails is tried again after each pause, then dead with its reason, in 500 characters", async () => {
    const failure = Object.assign(new Error("Can't send mail"), { code: "EENVELOPE", responseCode: 450 });
    const worker = open({ send: () => Promise.reject(Object.assign(failure, { response: `450 ${"x".repeat(600)}` })) });
    const job = await added();
    expect(await worker.take(job.id)).toBe(now + 10);
    // Not before it is due.
    expect(await worker.take(job.id)).toBe(now + 10);
    now += 10;
    expect(await worker.take(job.id)).toBe(now + 30);
    now += 30;
    expect(await worker.take(job.id)).toBeUndefined();
    const reason = `450 ${"x".repeat(496)}`;
    expect(await stored(job)).toMatchObject({ state: "dead", failures: 3, reason, job });
    expect((await stored(job)).history.map(({ what }) => what)).toEqual(["accepted", "refused", "refused", "dead"]);
    expect(counted).toEqual(["retried", "retried", "dead"]);
    expect(lines.at(-1)).toBe(`Mail ${job.id} (code) failed at try 3 of 3, is dead: EENVELOPE 450`);
    expect(lines.join("\n")).not.toMatch(/ann@|123456|xxx/i);
  });

  test("pauses grow up to an hour", () => {
    expect(growingPauses(8, 5000)).toEqual([5000, 15_000, 45_000, 135_000, 405_000, 1_215_000, 3_600_000]);
    expect(growingPauses(1, 5000)).toEqual([]);
  });

  test.each([true, false])(
    "that is refused for good is dead at once; the address is noted where it is its fault: %s",
    async (isAddress) => {
      const worker = open({ send: () => Promise.reject(new Refused("550 5.1.1 unknown", { isAddress })) });
      const job = await added();
      expect(await worker.take(job.id)).toBeUndefined();
      expect(await stored(job)).toMatchObject({ state: "dead", reason: "550 5.1.1 unknown", failures: 1 });
      expect(await store.isRefused("ann@example.org")).toBe(isAddress);
      // One that gets there shows that the address takes mails again.
      await open().take((await added()).id);
      expect(await store.isRefused("ann@example.org")).toBe(false);
    },
  );

  test("that cannot be made is dead at once, untried", async () => {
    const send = jest.fn();
    const job = await added();
    await open({ send, make: () => Promise.reject(new Unsendable("the mail cannot be made")) }).take(job.id);
    expect(await stored(job)).toMatchObject({ state: "dead", reason: "the mail cannot be made", failures: 0 });
    expect(send).not.toHaveBeenCalled();
    expect(await store.isRefused("ann@example.org")).toBe(false);
  });

  test("in whose hands worker after worker died is dead, before it kills another", async () => {
    const job = await added();
    for (let at = 0; at < mostTakes; at++, now += 100) expect(await store.takeJob(job.id, `died ${at}`, now, 100)).not.toBeNull();
    const send = jest.fn();
    await open({ send }).take(job.id);
    expect(send).not.toHaveBeenCalled();
    expect(await stored(job)).toMatchObject({ state: "dead", reason: `${mostTakes} workers died with it in hand` });
  });
});

describe("G5: no second copy leaves", () => {
  test("while a living worker has the job, however long the mail server takes", async () => {
    const server = Promise.withResolvers<string>();
    const job = newJob();
    await store.addJob(job, Date.now());
    const working = open({ leaseMs: 300, now: Date.now, send: () => server.promise }).take(job.id);
    const send = jest.fn(async () => "250");
    const other = open({ leaseMs: 300, now: Date.now, send });
    for (const end = Date.now() + 1000; Date.now() < end; await pause(aMoment))
      expect(await other.take(job.id)).toBeGreaterThan(Date.now());
    server.resolve("250");
    await working;
    expect(send).not.toHaveBeenCalled();
    expect(await stored(job)).toMatchObject({ state: "sent" });
  });

  test("when a worker stood still for longer than its lease before it would send", async () => {
    const job = await added();
    const send = jest.fn(async () => "250");
    const slow = open({
      send,
      leaseMs: 100,
      async make(made) {
        now += 101;
        await open({ leaseMs: 100 }).take(made.id);
        return { jobId: made.id } as Mail;
      },
    });
    await slow.take(job.id);
    expect(send).not.toHaveBeenCalled();
    expect(counted).toEqual(["sent"]);
  });

  test("when it stood still while it asked whether the job is its own", async () => {
    const job = await added();
    const send = jest.fn(async () => "250");
    const stopped = Object.create(store) as MailStore;
    for (const name of ["takeJob", "jobById"] as const) stopped[name] = store[name].bind(store) as never;
    stopped.keepJob = async (...asked) => {
      const isMine = await store.keepJob(...asked);
      now += 101;
      await open({ leaseMs: 100 }).take(job.id);
      return isMine;
    };
    await open({ store: stopped, leaseMs: 100, send }).take(job.id);
    expect(send).not.toHaveBeenCalled();
  });

  test.each([
    ["it stood still for longer than its lease", async () => void (now += 101)],
    ["the job is erased", async () => store.eraseAddress("ann@example.org")],
    [
      "the job is another's",
      async () => void (await store.takeJob((await store.overdue(now + 200, 1))[0]!, "another", now + 200, 1000)),
    ],
  ])("by a worker that talks to the mail server while %s: it hangs up", async (_, strike) => {
    const job = await added();
    const talking = Promise.withResolvers<void>();
    const send = (_mail: Mail, lost: AbortSignal) => {
      talking.resolve();
      return new Promise<string>((_resolve, reject) => lost.addEventListener("abort", () => reject(new Error("hung up"))));
    };
    const working = open({ leaseMs: 100, send }).take(job.id);
    await talking.promise;
    await strike();
    await working;
    expect((await store.jobById(job.id))?.history ?? []).not.toContainEqual(expect.objectContaining({ what: "refused" }));
    expect(counted).toEqual([]);
  });

  test("when the store is away at the moment of the note", async () => {
    const job = newJob();
    await store.addJob(job, Date.now());
    let away = true;
    const shaky = Object.create(store) as MailStore;
    for (const name of ["takeJob", "keepJob", "clearRefusal"] as const) shaky[name] = store[name].bind(store) as never;
    shaky.endSent = (...given) => (away ? Promise.reject(new Unavailable("away")) : store.endSent(...given));
    const send = jest.fn(async () => "250");
    const worker = open({ store: shaky, leaseMs: 300, now: Date.now, send });
    const working = worker.take(job.id);
    for (const end = Date.now() + 600; Date.now() < end; await pause(aMoment)) await open({ send, now: Date.now }).take(job.id);
    away = false;
    await working;
    expect(send).toHaveBeenCalledTimes(1);
    expect(await stored(job)).toMatchObject({ state: "sent" });
  });

  test.each(["this", "another"])(
    "by %s worker, where the store was away for longer than the lease after the mail server's yes",
    async (which) => {
      const shared = await MailStore.open({ ...database, shared: true });
      const job = newJob();
      await shared.addJob(job, Date.now());
      let away = false;
      const shaky = Object.create(shared) as MailStore;
      for (const name of ["takeJob", "takeDue", "jobById", "clearRefusal"] as const)
        shaky[name] = shared[name].bind(shared) as never;
      for (const name of ["keepJob", "endSent"] as const)
        shaky[name] = ((...given: [never, never, never]) =>
          away ? Promise.reject(new Unavailable("away")) : shared[name](...given)) as never;
      const sent = Promise.withResolvers<void>();
      const send = jest.fn(async () => ((away = true), sent.resolve(), "250"));
      const again = () => open({ store: shaky, leaseMs: 150, noteAgainMs: 100, now: Date.now, send });
      const worker = again();
      const next = which === "this" ? worker : again();
      const working = worker.take(job.id);
      await sent.promise;
      await pause(210);
      // It is back, and somebody looks for what is due before it is noted what came of the mail.
      away = false;
      expect(await next.takeDue(() => {})).toBe(true);
      await working;
      await next.settle();
      expect(send).toHaveBeenCalledTimes(1);
      expect(await shared.jobById(job.id)).toMatchObject({ state: "sent" });
    },
  );

  test("by the next but one, where the store was away after the mail server's yes and the next one stops before that is noted", async () => {
    const shared = await MailStore.open({ ...database, shared: true });
    const job = newJob();
    await shared.addJob(job, now);
    const shaky = Object.create(shared) as MailStore;
    shaky.takeJob = shared.takeJob.bind(shared);
    shaky.clearRefusal = shared.clearRefusal.bind(shared);
    let away = true;
    shaky.keepJob = shared.keepJob.bind(shared);
    shaky.endSent = async (...given) => (away ? Promise.reject(new Unavailable("away")) : shared.endSent(...given));
    const send = jest.fn(async () => "250");
    const again = (given: MailStore) => open({ store: given, noteAgainMs: 50, send });
    const working = again(shaky).take(job.id);
    await pause(aMoment);
    now += leaseMs;
    const next = again(shared);
    const waiting = next.take(job.id);
    await pause(aMoment);
    await next.stop();
    await waiting;
    const last = again(shared).take(job.id);
    await pause(aMoment);
    away = false;
    await Promise.all([working, last]);
    expect(send).toHaveBeenCalledTimes(1);
    expect(await shared.jobById(job.id)).toMatchObject({ state: "sent" });
  });

  test("by a worker that finds due what it has in hand still", async () => {
    const [job, other] = [await added(), newJob()];
    const server = Promise.withResolvers<string>();
    const send = jest.fn(() => server.promise);
    const worker = open({ send });
    const working = worker.take(job.id);
    await pause(aMoment);
    // Nobody could renew the lease.
    now += leaseMs;
    expect(await worker.take(job.id)).toBe(now + leaseMs);
    now += leaseMs;
    expect(await worker.takeDue(() => {})).toBe(true);
    expect(await worker.takeDue(() => {})).toBe(false);
    expect(worker.inHand).toBe(1);
    await store.addJob(other, now);
    expect(await worker.takeDue(() => {})).toBe(true);
    server.resolve("250");
    await working;
    await worker.settle();
    expect(send).toHaveBeenCalledTimes(2);
    for (const one of [job, other]) expect(await stored(one)).toMatchObject({ state: "sent" });
  });
});

test("a store that is away before the mail is sent costs no try", async () => {
  const job = await added();
  expect(await open({ make: () => Promise.reject(new Unavailable("away")) }).take(job.id)).toBe(now + 5);
  expect(await stored(job)).toMatchObject({ state: "waiting", failures: 0, dueAt: now + 5 });
});

describe("a job that is erased", () => {
  test("while it is made into a mail is not sent", async () => {
    const job = await added();
    const send = jest.fn(async () => "250");
    const make = async () => (await store.eraseAddress("ann@example.org"), {} as Mail);
    await open({ send, make }).take(job.id);
    expect(send).not.toHaveBeenCalled();
  });

  test.each(["250", "450", "550"])(
    "while the mail server has it leaves nothing behind, whatever that answers: %s",
    async (answer) => {
      const job = await added();
      const send = async () => {
        await store.eraseAddress("ann@example.org");
        await store.eraseMails("ann@example.org");
        // As the dev inbox keeps it.
        await store.keepMail({
          _id: job.id,
          address: job.to.toLowerCase(),
          to: job.to,
          subject: "",
          text: "",
          html: "",
          headers: {},
          at: now,
        });
        if (answer === "550") throw new Refused("550 unknown", { isAddress: true });
        if (answer === "450") throw new Error("450 later");
        return answer;
      };
      await open({ send }).take(job.id);
      expect(await store.jobById(job.id)).toBeNull();
      expect(await store.isRefused("ann@example.org")).toBe(false);
      if (answer === "250") expect(await store.listMails(undefined, 10)).toEqual([]);
    },
  );
});

describe("a worker that is stopped", () => {
  test("lets what it has in hand finish, and gives back what it gets after that", async () => {
    const [job, next] = [await added(), await added()];
    const server = Promise.withResolvers<string>();
    const worker = open({ send: () => server.promise });
    void worker.take(job.id);
    while (lines.length === 0 && worker.inHand === 0) await pause(1);
    await pause(aMoment);
    const stopping = worker.stop();
    expect(await worker.take(next.id)).toBe(now);
    server.resolve("250");
    await stopping;
    expect(await stored(job)).toMatchObject({ state: "sent" });
    expect(await stored(next)).toMatchObject({ state: "waiting", dueAt: now });
    expect(await stored(next)).not.toHaveProperty("worker");
  });

  test("gives back at once what it waits with, as others had it before", async () => {
    const shared = await MailStore.open({ ...database, shared: true });
    const job = newJob();
    await shared.addJob(job, now);
    await shared.takeJob(job.id, "died", now, 10);
    now += 10;
    const send = jest.fn();
    const worker = open({ store: shared, noteAgainMs: 60_000, send });
    const working = worker.take(job.id);
    await pause(aMoment);
    await worker.stop();
    expect(await working).toBe(now);
    expect(send).not.toHaveBeenCalled();
    expect(await shared.jobById(job.id)).toMatchObject({ state: "waiting", dueAt: now });
    expect(await shared.jobById(job.id)).not.toHaveProperty("worker");
  });

  test("waits for no mail server that stalls, and writes nothing once the store may be closed", async () => {
    const job = await added();
    const server = Promise.withResolvers<string>();
    const worker = open({ send: () => server.promise });
    const working = worker.take(job.id);
    await pause(aMoment);
    const startedAt = Date.now();
    await worker.stop();
    expect(Date.now() - startedAt).toBeLessThan(5000);
    server.resolve("250");
    await working;
    expect(await stored(job)).toMatchObject({ state: "waiting" });
  });
});
