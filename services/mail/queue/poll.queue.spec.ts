import { setTimeout as pause } from "node:timers/promises";
import type { Database } from "@confab/mixins/store/collection.ts";
import { openTestStore } from "@confab/mixins/store/testing.ts";
import { makeJob, type Job } from "../job.ts";
import type { Mail } from "../mail.ts";
import { MailStore } from "../store/mail.store.ts";
import { PollQueue } from "./poll.queue.ts";
import { MailWorker, type WorkerOptions } from "./worker.ts";

const log = { info() {}, warn() {} };

let database: Database;
let store: MailStore;
let running: PollQueue[];

beforeEach(async () => {
  database = openTestStore();
  // As several nodes see it.
  store = await MailStore.open({ ...database, shared: true });
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((queue) => queue.stop()));
  await database.close();
});

const newJob = () =>
  makeJob({ template: "code", to: "ann@example.org", data: { code: "123456", minutes: 10 } }, "confab@example.org");

interface Options extends Partial<WorkerOptions> {
  pollMs?: number;
}

async function start(send: (mail: Mail) => Promise<string>, { pollMs = 5, ...options }: Options = {}): Promise<PollQueue> {
  const make = async (job: Job) => ({ jobId: job.id, messageId: job.messageId }) as Mail;
  const worker = new MailWorker({ store, log, pausesMs: [10, 30], make, send, ...options });
  const queue = new PollQueue({ store, worker, log, pollMs });
  running.push(queue);
  await queue.start();
  return queue;
}

async function ended({ id }: Job): Promise<void> {
  for (const end = Date.now() + 20_000; (await store.jobById(id))?.state !== "sent"; await pause(5))
    if (Date.now() > end) throw new Error("it did not come about");
}

const hourMs = 3_600_000;

test("what waits is sent, and what is accepted meanwhile without a look every now and then", async () => {
  const [before, after] = [newJob(), newJob()];
  await store.addJob(before, Date.now());
  const queue = await start(async () => "250", { pollMs: hourMs });
  await ended(before);
  await store.addJob(after, Date.now());
  queue.wake();
  await ended(after);
});

test("what other nodes accepted, and what is due again, is found by looking", async () => {
  let tries = 0;
  await start(async () => (++tries < 3 ? Promise.reject(new Error("450")) : "250"));
  const job = newJob();
  await store.addJob(job, Date.now());
  await ended(job);
  expect(tries).toBe(3);
});

test("it looks less often where nothing is to be sent, and as before once there is", async () => {
  jest.useFakeTimers({ now: Date.now(), doNotFake: ["setImmediate", "nextTick", "queueMicrotask"] });
  try {
    let looks = 0;
    const takeDue = () => (looks++, Promise.resolve(false));
    const idle = new PollQueue({ store, worker: { inHand: 0, takeDue, stop: async () => {} } as unknown as MailWorker, log });
    await idle.start();
    const looksIn = async (seconds: number) => {
      looks = 0;
      await jest.advanceTimersByTimeAsync(seconds * 1000);
      return looks;
    };
    expect(await looksIn(30)).toBe(10);
    idle.wake();
    expect(await looksIn(30)).toBe(30);
    expect(await looksIn(30)).toBeLessThanOrEqual(11);
    await idle.stop();
  } finally {
    jest.useRealTimers();
  }
});

test("several workers send each job once, however slow they are", async () => {
  const sent: string[] = [];
  const slowly = async ({ jobId }: Mail) => {
    sent.push(jobId);
    await pause(300);
    return "250";
  };
  // The mail server takes longer than the lease is, which a living worker renews.
  const options = { leaseMs: 200 };
  const queues = [await start(slowly, options), await start(slowly, options), await start(slowly, options)];
  const jobs = Array.from({ length: 30 }, newJob);
  for (const [at, job] of jobs.entries()) {
    await store.addJob(job, Date.now());
    queues[at % 3]!.wake();
  }
  for (const job of jobs) await ended(job);
  expect(sent.toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
});

test("a job whose worker died with it in hand is sent when its lease is over, under the same Message-ID", async () => {
  const job = newJob();
  await store.addJob(job, Date.now());
  const until = Date.now() + 400;
  expect(await store.takeJob(job.id, "dead", Date.now(), 400)).not.toBeNull();
  const sent: { messageId: string; at: number }[] = [];
  await start(async ({ messageId }) => (sent.push({ messageId, at: Date.now() }), "250"));
  await ended(job);
  expect(sent).toEqual([{ messageId: job.messageId, at: expect.any(Number) as number }]);
  expect(sent[0]!.at).toBeGreaterThanOrEqual(until);
});

test("an embedded store's only worker takes up at once what the one before left", async () => {
  store = await MailStore.open({ ...database, shared: false });
  const job = newJob();
  await store.addJob(job, Date.now());
  await store.takeJob(job.id, "dead", Date.now(), hourMs);
  await start(async () => "250");
  await ended(job);
});

test("takes no more once it is stopped", async () => {
  const queue = await start(async () => "250");
  await queue.stop();
  const job = newJob();
  await store.addJob(job, Date.now());
  queue.wake();
  await pause(50);
  expect(await store.jobById(job.id)).toMatchObject({ state: "waiting" });
});
