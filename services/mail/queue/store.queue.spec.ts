import { setTimeout as pause } from "node:timers/promises";
import { openNedb } from "@confab/mixins/store/nedb.ts";
import type { Database } from "@confab/mixins/store/collection.ts";
import { ServiceBroker, type Service } from "moleculer";
import { makeJob, type Job } from "../job.ts";
import { MailStore } from "../store/mail.store.ts";
import { growingPauses, deadKeptMs } from "./queue.ts";
import { StoreQueue, type StoreQueueOptions } from "./store.queue.ts";

const broker = new ServiceBroker({ logger: false });
const job = (to = "ann@example.org") =>
  makeJob({ template: "code", to, data: { code: "123456", minutes: 10 } }, "Confab <no-reply@example.org>");

let database: Database;
let store: MailStore;
let lines: string[];
let running: StoreQueue[];

beforeEach(async () => {
  const embedded = openNedb({ name: "mail", broker } as unknown as Service, "memory");
  // As several nodes see it.
  database = { ...embedded, shared: true };
  store = await MailStore.open(database);
  lines = [];
  running = [];
});

afterEach(async () => {
  await Promise.all(running.map((queue) => queue.stop()));
  await database.close();
});

function open(options: Partial<StoreQueueOptions> = {}): StoreQueue {
  const log = { info: (line: string) => void lines.push(line), warn: (line: string) => void lines.push(line) };
  const queue = new StoreQueue({ store, log, pausesMs: [10, 30], pollMs: 5, ...options });
  running.push(queue);
  return queue;
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await holds()); waited += 5) {
    if (waited > 4000) throw new Error("it did not come about");
    await pause(5);
  }
}

const stateOf = async ({ id }: Job) => (await store.jobById(id))?.state;
const ended = (wanted: Job, state: string) => until(async () => (await stateOf(wanted)) === state);

test("sends what was accepted, and forgets its words", async () => {
  const sent: Job[] = [];
  const queue = open();
  await queue.start(async (taken) => void sent.push(taken));
  const accepted = job();
  await queue.accept(accepted);
  await ended(accepted, "sent");
  expect(sent).toEqual([accepted]);
  expect(JSON.stringify(await store.jobById(accepted.id))).not.toMatch(/123456|ann@/);
});

test("tries again after growing pauses, then keeps a dead letter with its reason", async () => {
  const at: number[] = [];
  const queue = open({ pausesMs: [40, 120] });
  await queue.start(async () => {
    at.push(Date.now());
    throw Object.assign(new Error("450 not now, ann@example.org"), { code: "EENVELOPE", responseCode: 450 });
  });
  const accepted = job();
  await queue.accept(accepted);
  await ended(accepted, "dead");
  await pause(50);
  expect(at).toHaveLength(3);
  expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(39);
  expect(at[2]! - at[1]!).toBeGreaterThanOrEqual(119);
  // An operator can send it again.
  expect(await store.jobById(accepted.id)).toMatchObject({ failures: 3, reason: "450 not now, ann@example.org", job: accepted });
  expect(lines.at(-1)).toBe(`Mail ${accepted.id} (code) failed at try 3 of 3, is dead: EENVELOPE 450`);
});

test("pauses grow up to an hour", () => {
  expect(growingPauses(8, 5000)).toEqual([5000, 15_000, 45_000, 135_000, 405_000, 1_215_000, 3_600_000]);
  expect(growingPauses(1, 5000)).toEqual([]);
});

test("a job whose worker died with it in hand is sent, under the same Message-ID", async () => {
  const accepted = job();
  await open().accept(accepted);
  // Taken by a worker that is heard of no more.
  expect(await store.takeJob("dead", Date.now(), 1000)).toMatchObject({ _id: accepted.id });
  const sent: Job[] = [];
  await open().start(async (taken) => void sent.push(taken));
  await pause(50);
  expect(sent).toEqual([]);
  await ended(accepted, "sent");
  expect(sent.map(({ messageId }) => messageId)).toEqual([accepted.messageId]);
});

test("an embedded store's only worker takes up at once what the one before left", async () => {
  store = await MailStore.open({ ...database, shared: false });
  const accepted = job();
  await open().accept(accepted);
  await store.takeJob("dead", Date.now(), 3_600_000);
  await open().start(async () => {});
  await ended(accepted, "sent");
});

test("two workers never both send a job, however slow they are", async () => {
  const sent: string[] = [];
  const accepted = Array.from({ length: 30 }, () => job());
  const slowly = async ({ id }: Job) => {
    sent.push(id);
    await pause(600);
  };
  // The mail server takes longer than the lease is, which a living worker renews.
  const queues = [open({ leaseMs: 400 }), open({ leaseMs: 400 }), open({ leaseMs: 400 })];
  await Promise.all(queues.map((queue) => queue.start(slowly)));
  await Promise.all(accepted.map((one, at) => queues[at % 3]!.accept(one)));
  for (const one of accepted) await ended(one, "sent");
  expect(sent.toSorted()).toEqual(accepted.map(({ id }) => id).toSorted());
});

test("a store that is away for a while costs no second copy", async () => {
  let away = true;
  const shaky = Object.create(store) as MailStore;
  shaky.endSent = async (taken, now) => {
    if (away) throw new Error("away");
    return store.endSent(taken, now);
  };
  for (const name of ["addJob", "takeJob", "keepJob"] as const) shaky[name] = store[name].bind(store) as never;
  let sent = 0;
  const queue = open({ store: shaky, leaseMs: 400 });
  await queue.start(async () => void sent++);
  const accepted = job();
  await queue.accept(accepted);
  await pause(600);
  expect(await stateOf(accepted)).toBe("waiting");
  away = false;
  await ended(accepted, "sent");
  expect(sent).toBe(1);
});

test("stops after what is in hand, and takes no more", async () => {
  let finished = 0;
  const queue = open();
  await queue.start(async () => {
    await pause(40);
    finished++;
  });
  await queue.accept(job());
  await pause(10);
  await queue.stop();
  expect(finished).toBe(1);
  const later = job();
  await queue.accept(later);
  await pause(30);
  expect(await stateOf(later)).toBe("waiting");
});

test("the words of dead letters go when they are old", async () => {
  const accepted = job();
  await store.addJob(accepted, 0);
  // A mail server's reason names the address, by which nobody would find it to erase it once the rest is gone.
  const reason = `550 <${accepted.to}> unknown`;
  await store.endDead((await store.takeJob("worker", 1000, 1000))!, reason, 1000);
  await store.sweep(1000 + deadKeptMs - 1);
  expect(await store.jobById(accepted.id)).toMatchObject({ job: accepted, reason });
  await store.sweep(1000 + deadKeptMs);
  expect(await store.jobById(accepted.id)).toMatchObject({ state: "dead", template: accepted.template });
  expect(JSON.stringify(await store.jobById(accepted.id))).not.toContain(accepted.to);
});
