import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { connect as connectSocket, createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Database } from "@confab/mixins/store/collection.ts";
import { openMongo } from "@confab/mixins/store/mongo.ts";
import { connect, type ChannelModel, type GetMessage } from "amqplib";
import { ServiceBroker } from "moleculer";
import { SMTPServer } from "smtp-server";
import { makeJob, type Job } from "../../services/mail/job.ts";
import type { Mail } from "../../services/mail/mail.ts";
import { inHandAtOnce, leaseMs } from "../../services/mail/queue/queue.ts";
import {
  confirmPatienceMs,
  deliveryLimit,
  queueNames,
  RabbitQueue,
  type RabbitQueueOptions,
} from "../../services/mail/queue/rabbit.queue.ts";
import { MailWorker, type WorkerOptions } from "../../services/mail/queue/worker.ts";
import { MailStore } from "../../services/mail/store/mail.store.ts";
import { describeCluster, mongoUrl, rabbitUrl } from "../support/parts.ts";
import { eventually } from "../support/wait.ts";

const newJob = () =>
  makeJob({ template: "code", to: "ann@example.org", data: { code: "123456", minutes: 10 } }, "Confab <no-reply@example.org>");
const until = (what: string, holds: () => Promise<boolean> | boolean) => eventually(what, holds, { every: 20 });

/** A line to RabbitMQ that can be cut, closed and clogged. */
async function openLine() {
  const target = new URL(rabbitUrl());
  const open = new Set<Socket>();
  let closed = false;
  const server = createServer((near) => {
    if (closed) return void near.destroy();
    const far = connectSocket(Number(target.port || 5672), target.hostname);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.pipe(other);
      one.on("error", () => {}).on("close", () => void (open.delete(one), other.destroy()));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = new URL(target);
  Object.assign(url, { hostname: "127.0.0.1", port: String((server.address() as AddressInfo).port) });
  return {
    url: url.href,
    cut: () => open.forEach((socket) => socket.destroy()),
    refuse: (refusing: boolean) => void (closed = refusing),
    clog: () => open.forEach((socket) => socket.unpipe().pause()),
    close: () => void server.close(),
  };
}

describeCluster("the mail queue on RabbitMQ", () => {
  const pausesMs = [50, 150];
  const longPauseMs = 3000;
  let raw: ChannelModel;
  let database: Database;
  let store: MailStore;
  let databaseName: string;
  let namespace: string;
  let names: ReturnType<typeof queueNames>;
  let running: RabbitQueue[];
  let lines: string[];
  let line: Awaited<ReturnType<typeof openLine>>;

  beforeAll(async () => {
    raw = await connect(rabbitUrl());
    databaseName = `mail_queue_${randomUUID().slice(0, 8)}`;
    const service = new ServiceBroker({ logger: false }).createService({ name: "mail" });
    store = await MailStore.open((database = openMongo(service, mongoUrl(databaseName))));
  });
  afterAll(async () => {
    await raw.close();
    await database.close();
  });
  beforeEach(async () => {
    namespace = `test-${randomUUID()}`;
    names = queueNames(namespace);
    [running, lines] = [[], []];
    line = await openLine();
  });
  afterEach(async () => {
    line.cut();
    await Promise.all(running.map((queue) => queue.stop()));
    line.close();
    const delays = [...pausesMs, 2000, longPauseMs, leaseMs, 60_000].map(names.delay);
    await withChannel(async (channel) => {
      for (const name of [names.jobs, names.dead, ...delays]) await channel.deleteQueue(name);
    });
    // The relay of the next test's queue finds nothing of this one's.
    await store.eraseAddress("ann@example.org");
  });

  async function withChannel<T>(act: (channel: Awaited<ReturnType<ChannelModel["createConfirmChannel"]>>) => Promise<T>) {
    const channel = await raw.createConfirmChannel();
    channel.on("error", () => {}); // a queue that is not there yet closes it
    const result = await act(channel);
    await channel.waitForConfirms();
    await channel.close();
    return result;
  }

  /** How many messages wait there, in nobody's hand. */
  const depth = (name: string) => withChannel(async (channel) => (await channel.checkQueue(name)).messageCount);
  const consumers = (name: string) => withChannel(async (channel) => (await channel.checkQueue(name)).consumerCount);
  const publish = (queue: string, content: string, headers = {}) =>
    withChannel(async (channel) => void channel.sendToQueue(queue, Buffer.from(content), { persistent: true, headers }));

  interface Options extends Partial<Pick<WorkerOptions, "leaseMs">>, Partial<RabbitQueueOptions> {}

  async function open(send: (mail: Mail) => Promise<void>, { leaseMs, ...options }: Options = {}): Promise<RabbitQueue> {
    const log = { info: (text: string) => void lines.push(text), warn: (text: string) => void lines.push(text) };
    const worker = new MailWorker({
      ...{ store, log, pausesMs, ...(leaseMs ? { leaseMs } : {}), ...(options.pausesMs ? { pausesMs: options.pausesMs } : {}) },
      make: async (job: Job) => ({ jobId: job.id, messageId: job.messageId }) as Mail,
      send: async (mail) => (await send(mail), "250"),
    });
    // A relay that does not come to the aid of what a test is not about.
    const queue = new RabbitQueue({ url: line.url, namespace, store, worker, log, pausesMs, overdueMs: 120_000, ...options });
    running.push(queue);
    const connections = () => lines.filter((one) => one === "Connected to RabbitMQ").length;
    const before = connections();
    await queue.start();
    await until("it is connected", () => connections() > before);
    return queue;
  }

  async function accept(queue: RabbitQueue, job = newJob()): Promise<Job> {
    await store.addJob(job, Date.now());
    queue.wake(job.id);
    return job;
  }

  const stateOf = async ({ id }: Job) => (await store.jobById(id))?.state;
  const ended = (job: Job, state: "sent" | "dead" = "sent") =>
    until(`${job.id} is ${state}`, async () => (await stateOf(job)) === state);

  test("several nodes send each job once, however often it is announced", async () => {
    const sent: string[] = [];
    const send = async ({ jobId }: Mail) => void sent.push(jobId);
    const queues = [await open(send), await open(send)];
    const jobs = await Promise.all(Array.from({ length: 50 }, (_, at) => accept(queues[at % 2]!)));
    for (const [at, { id }] of jobs.entries()) queues[at % 2]!.wake(id);
    for (const job of jobs) await ended(job);
    await until("nothing waits", async () => (await depth(names.jobs)) === 0);
    expect(sent.toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
    expect(lines.join("\n")).not.toMatch(/123456|ann@/);
  });

  test("RabbitMQ learns nothing of a mail but its id, and keeps that on its disks", async () => {
    const server = Promise.withResolvers<void>();
    const queue = await open(() => server.promise);
    const inHand = await Promise.all(Array.from({ length: inHandAtOnce }, () => accept(queue)));
    for (const job of inHand) await until("it is in hand", async () => (await store.jobById(job.id))?.worker !== undefined);
    const job = await accept(queue);
    await until("it waits", async () => (await depth(names.jobs)) === 1);
    await withChannel(async (channel) => {
      const { content, properties } = (await channel.get(names.jobs)) as GetMessage;
      expect(content.toString()).toBe(job.id);
      expect(properties.deliveryMode).toBe(2);
      expect(JSON.stringify(properties)).not.toMatch(/code|ann|confab/i);
    });
    server.resolve();
    await ended(job);
  });

  describe("a node in the middle of its talk with the mail server", () => {
    const lease = 2000;

    /** A node that has a job in hand, of which the mail server has heard whom it is for, and says no word before `goOn`. */
    async function inTalk(act: (node: ChildProcess, job: Job, goOn: () => void, copies: string[]) => Promise<void>) {
      const [heard, waited] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const copies: string[] = [];
      const server = new SMTPServer({
        authOptional: true,
        disabledCommands: ["STARTTLS"],
        onRcptTo: (_address, _session, done) => (heard.resolve(), void waited.promise.then(() => done())),
        onData: (stream, _session, done) => {
          let raw = "";
          stream.on("data", (chunk: Buffer) => (raw += chunk.toString()));
          stream.on("end", () => (copies.push(raw), done()));
        },
      });
      server.on("error", () => {});
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const smtpUrl = `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
      const args = [
        join(__dirname, "mail.queue.worker.ts"),
        rabbitUrl(),
        mongoUrl(databaseName),
        namespace,
        smtpUrl,
        String(lease),
      ];
      const node = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
      const exited = new Promise((resolve) => node.once("exit", resolve));
      try {
        await until("it runs", async () => (await consumers(names.jobs).catch(() => 0)) === 1);
        const job = newJob();
        await store.addJob(job, Date.now());
        await publish(names.jobs, job.id);
        await heard.promise;
        await act(node, job, waited.resolve, copies);
      } finally {
        node.kill("SIGCONT");
        node.kill("SIGKILL");
        await exited;
        await new Promise<void>((resolve) => server.close(() => resolve()));
      }
    }

    test("that is killed leaves its job to another when its lease is over, under the same Message-ID", () =>
      inTalk(async (node, job) => {
        const sent: string[] = [];
        // It gets the message at once, and finds the job in the hand of one that might live.
        await open(async ({ messageId }) => void sent.push(messageId), { pausesMs: [50, lease], leaseMs: lease });
        node.kill("SIGKILL");
        await ended(job);
        expect(sent).toEqual([job.messageId]);
        expect(await store.jobById(job.id)).toMatchObject({ failures: 0 });
      }));

    test("G5: that is stopped for longer than its lease hangs up when it goes on, as another has sent its mail", () =>
      inTalk(async (node, job, goOn, copies) => {
        node.kill("SIGSTOP");
        const log = { info() {}, warn() {} };
        const make = async ({ messageId }: Job) => ({ messageId }) as Mail;
        const other = new MailWorker({ store, log, pausesMs, make, send: async () => "250" });
        await until("the lease is over", async () => (await other.take(job.id)) === undefined);
        expect(await stateOf(job)).toBe("sent");
        node.kill("SIGCONT");
        goOn();
        // Its talk would take milliseconds, and comes before that of the next job.
        const next = newJob();
        await store.addJob(next, Date.now());
        await publish(names.jobs, next.id);
        await ended(next);
        expect(copies).toHaveLength(1);
        expect(copies[0]).toContain(next.messageId);
      }));
  });

  test("tries again after growing pauses, in nobody's hand meanwhile, then is dead with its reason", async () => {
    const at: number[] = [];
    const queue = await open(async () => {
      at.push(Date.now());
      throw Object.assign(new Error("450 not now"), { code: "EENVELOPE", responseCode: 450 });
    });
    const job = await accept(queue);
    await ended(job, "dead");
    expect(at).toHaveLength(3);
    expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(50);
    expect(at[2]! - at[1]!).toBeGreaterThanOrEqual(150);
    expect(await store.jobById(job.id)).toMatchObject({ failures: 3, reason: "450 not now", job });
    expect(await depth(names.jobs)).toBe(0);
    expect(lines.at(-1)).toBe(`Mail ${job.id} (code) failed at try 3 of 3, is dead: EENVELOPE 450`);
  });

  test("those that wait for their next try are in nobody's hand", async () => {
    const sent: string[] = [];
    const failing = Array.from({ length: inHandAtOnce }, newJob);
    const fails = new Set(failing.map(({ id }) => id));
    const send = async ({ jobId }: Mail) => {
      if (fails.has(jobId)) throw new Error("no");
      sent.push(jobId);
    };
    const queue = await open(send, { pausesMs: [longPauseMs] });
    for (const job of failing) await accept(queue, job);
    await until("they wait", async () => (await depth(names.delay(longPauseMs))) === inHandAtOnce);
    const job = await accept(queue);
    await ended(job);
    expect(await depth(names.delay(longPauseMs))).toBe(inHandAtOnce);
  });

  test("one that another worker has waits too, and is not delivered again and again", async () => {
    const sent: string[] = [];
    const queue = await open(async ({ jobId }) => void sent.push(jobId), { pausesMs: [longPauseMs] });
    const job = newJob();
    await store.addJob(job, Date.now());
    const taken = await store.takeJob(job.id, "another", Date.now(), longPauseMs - 500);
    queue.wake(job.id);
    await until("it waits", async () => (await depth(names.delay(longPauseMs))) === 1);
    expect(await depth(names.jobs)).toBe(0);
    expect(sent).toEqual([]);
    await store.endSent(taken!, "250", Date.now());
    await until("its message is gone", async () => (await depth(names.delay(longPauseMs))) === 0);
    expect(sent).toEqual([]);
  });

  test("what was accepted while RabbitMQ was away is sent when it is back", async () => {
    line.refuse(true);
    const sent: string[] = [];
    const log = { info() {}, warn() {} };
    const make = async (job: Job) => ({ jobId: job.id }) as Mail;
    const send = async ({ jobId }: Mail) => (sent.push(jobId), "250");
    const worker = new MailWorker({ store, log, pausesMs, make, send });
    const queue = new RabbitQueue({ url: line.url, namespace, store, worker, log, pausesMs, relayMs: 100, overdueMs: 200 });
    running.push(queue);
    await queue.start();
    const startedAt = Date.now();
    const jobs = await Promise.all(Array.from({ length: 20 }, () => accept(queue)));
    expect(Date.now() - startedAt).toBeLessThan(confirmPatienceMs);
    line.refuse(false);
    for (const job of jobs) await ended(job);
    expect(sent.toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
  });

  test("what RabbitMQ lost, as its queues were wiped, is brought there again, however often", async () => {
    const queue = await open(async () => {}, { relayMs: 200, overdueMs: 500 });
    const jobs: Job[] = [];
    for (let round = 0; round < 3; round++) {
      for (let at = 0; at < 5; at++) jobs.push(await accept(queue));
      await withChannel(async (channel) => {
        for (const name of [names.jobs, names.dead, ...pausesMs.map(names.delay)]) await channel.deleteQueue(name);
      });
      for (let at = 0; at < 5; at++) jobs.push(await accept(queue));
    }
    for (const job of jobs) await ended(job);
  });

  test("nothing is lost on a line that is cut, or that says nothing any more", async () => {
    const sent: string[] = [];
    const queue = await open(async ({ jobId }) => void sent.push(jobId), { relayMs: 200, overdueMs: 1000 });
    const jobs: Job[] = [];
    for (let round = 0; round < 3; round++)
      for (let at = 0; at < 10; at++) {
        jobs.push(await accept(queue));
        if (at === 5) line.cut();
      }
    line.clog();
    jobs.push(await accept(queue));
    for (const job of jobs) await ended(job);
    expect(sent.toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
  });

  test("a job whose acknowledgement was lost is delivered again, but not sent again", async () => {
    let sent = 0;
    const queue = await open(async () => {
      sent++;
      line.cut();
      await pause(300);
    });
    const job = await accept(queue);
    await ended(job);
    await until(
      "it is delivered again, and settled",
      async () => (await depth(names.jobs)) === 0 && lines.some((one) => /another/.test(one)),
    );
    await queue.stop();
    expect(await depth(names.jobs)).toBe(0);
    expect(sent).toBe(1);
  });

  test("a message that so many nodes did not live to settle makes its job dead, with that reason", async () => {
    const first = await open(async () => {});
    await first.stop();
    const job = newJob();
    await store.addJob(job, Date.now());
    await publish(names.jobs, job.id);
    let deliveries = 0;
    await until("RabbitMQ gave it up", async () => {
      await withChannel(async (channel) => {
        const message = await channel.get(names.jobs);
        if (message) channel.nack(message);
        if (message) deliveries++;
      });
      return (await depth(names.dead)) === 1;
    });
    expect(deliveries).toBe(deliveryLimit + 1);
    const send = jest.fn(async () => {});
    await open(send);
    await ended(job, "dead");
    expect(await store.jobById(job.id)).toMatchObject({ reason: expect.stringMatching(/RabbitMQ gave it up/) as string, job });
    await until("nothing is left", async () => (await depth(names.dead)) === 0);
    expect(send).not.toHaveBeenCalled();
  });

  test("beyond its limit RabbitMQ refuses, and what it refused is brought there later", async () => {
    const server = Promise.withResolvers<void>();
    const sent: string[] = [];
    const send = async ({ jobId }: Mail) => (await server.promise, void sent.push(jobId));
    const queue = await open(send, { mostMessages: 2, relayMs: 200, overdueMs: 1000 });
    const jobs = await Promise.all(Array.from({ length: 30 }, () => accept(queue)));
    await until("it refuses", () => lines.some((one) => /^RabbitMQ did not take mail/.test(one)));
    server.resolve();
    for (const job of jobs) await ended(job);
    expect(sent.toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
  });
});
