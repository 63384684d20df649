import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { connect as connectSocket, createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { connect, type ChannelModel, type GetMessage } from "amqplib";
import { makeJob, type Job } from "../../services/mail/job.ts";
import { inHandAtOnce, type Handler } from "../../services/mail/queue/queue.ts";
import { queueNames, RabbitQueue, type RabbitQueueOptions } from "../../services/mail/queue/rabbit.queue.ts";
import { describeCluster, rabbitUrl } from "../support/parts.ts";

jest.setTimeout(30_000);

const from = "Confab <no-reply@example.org>";
const newJob = () => makeJob({ template: "code", to: "ann@example.org", data: { code: "123456", minutes: 10 } }, from);

async function until(holds: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  for (const end = Date.now() + ms; !(await holds()); await pause(20)) {
    if (Date.now() > end) throw new Error("it did not come about");
  }
}

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
  let raw: ChannelModel;
  let namespace: string;
  let running: RabbitQueue[];
  let sentNotes: Set<string>;
  let lines: string[];
  let line: Awaited<ReturnType<typeof openLine>>;
  const pausesMs = [50, 150];
  const longPauseMs = 3000;

  beforeAll(async () => void (raw = await connect(rabbitUrl())));
  afterAll(() => raw.close());
  beforeEach(async () => {
    namespace = `test-${randomUUID()}`;
    [running, sentNotes, lines] = [[], new Set(), []];
    line = await openLine();
  });
  afterEach(async () => {
    line.cut();
    await Promise.all(running.map((queue) => queue.stop()));
    line.close();
    const channel = await raw.createChannel();
    const { jobs, dead, wait } = queueNames(namespace);
    for (const name of [jobs, dead, ...[...pausesMs, longPauseMs].map(wait)]) await channel.deleteQueue(name);
    await channel.close();
  });

  async function open(handler: Handler, options: Partial<RabbitQueueOptions> = {}): Promise<RabbitQueue> {
    const notes = { wasSent: async (id: string) => sentNotes.has(id), noteSent: async ({ id }: Job) => void sentNotes.add(id) };
    const log = { info: (text: string) => void lines.push(text), warn: (text: string) => void lines.push(text) };
    const queue = new RabbitQueue({ url: line.url, namespace, notes, log, pausesMs, ...options });
    running.push(queue);
    await queue.start(handler);
    return queue;
  }

  async function depth(name: string): Promise<number> {
    const channel = await raw.createChannel();
    channel.on("error", () => {}); // a queue that is not there yet closes it
    const { messageCount } = await channel.checkQueue(name);
    await channel.close();
    return messageCount;
  }

  test("sends what was accepted, once", async () => {
    const sent: Job[] = [];
    const queue = await open(async (job) => void sent.push(job));
    const other = await open(async (job) => void sent.push(job));
    const jobs = Array.from({ length: 50 }, newJob);
    await Promise.all(jobs.map((job, at) => (at % 2 ? queue : other).accept(job)));
    await until(() => sent.length >= 50);
    await pause(200);
    expect(sent.map(({ id }) => id).toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
    expect(sent.find(({ id }) => id === jobs[0]!.id)).toEqual(jobs[0]);
    expect(lines.join("\n")).not.toMatch(/123456|ann@/);
  });

  test("a job in the hand of a worker that is killed is another's, under the same Message-ID", async () => {
    const worker = spawn(process.execPath, [join(__dirname, "mail.queue.worker.ts"), rabbitUrl(), namespace], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let taken = "";
    worker.stdout.on("data", (chunk: Buffer) => (taken += chunk.toString()));
    const exited = new Promise((resolve) => worker.once("exit", resolve));
    try {
      const job = newJob();
      // Another node that accepts only, as it has its hands full.
      await until(async () => (await depth(queueNames(namespace).jobs).catch(() => -1)) === 0);
      const channel = await raw.createConfirmChannel();
      channel.sendToQueue(queueNames(namespace).jobs, Buffer.from(JSON.stringify(job)), { persistent: true, messageId: job.id });
      await channel.waitForConfirms();
      await channel.close();
      await until(() => taken.includes(job.messageId));
      worker.kill("SIGKILL");
      await exited;
      const sent: string[] = [];
      await open(async ({ messageId }) => void sent.push(messageId));
      await until(() => sent.length > 0);
      expect(sent).toEqual([job.messageId]);
    } finally {
      worker.kill("SIGKILL");
      await exited;
    }
  });

  test("tries again after growing pauses, acknowledged meanwhile, then keeps a dead letter with its reason", async () => {
    const at: number[] = [];
    const queue = await open(async () => {
      at.push(Date.now());
      throw Object.assign(new Error("450 not now"), { code: "EENVELOPE", responseCode: 450 });
    });
    const job = newJob();
    await queue.accept(job);
    const { dead, jobs } = queueNames(namespace);
    await until(async () => (await depth(dead)) === 1);
    expect(at).toHaveLength(3);
    expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(50);
    expect(at[2]! - at[1]!).toBeGreaterThanOrEqual(150);
    expect(await depth(jobs)).toBe(0);
    const channel = await raw.createChannel();
    const letter = await channel.get(dead, { noAck: true });
    await channel.close();
    if (!letter) throw new Error("no dead letter");
    expect(JSON.parse(letter.content.toString())).toEqual(job);
    expect(letter.properties.headers).toMatchObject({ "x-confab-failures": 3, "x-confab-reason": "450 not now" });
    expect(letter.properties.deliveryMode).toBe(2);
    expect(lines.at(-1)).toBe(`Mail ${job.id} (code) failed at try 3 of 3, is dead: EENVELOPE 450`);
  });

  test("of an erased address nothing waits and no dead letter is left; those of others stay where they are", async () => {
    const queue = await open(async () => {}, { pausesMs: [longPauseMs] });
    const { dead, wait } = queueNames(namespace);
    await until(async () => (await depth(wait(longPauseMs)).catch(() => -1)) === 0);
    const channel = await raw.createConfirmChannel();
    const content = (to: string) => Buffer.from(JSON.stringify({ ...newJob(), to }));
    for (const name of [dead, wait(longPauseMs)])
      for (const to of ["Eve@example.org", "ann@example.org", "eve@example.org"]) channel.sendToQueue(name, content(to));
    await channel.waitForConfirms();
    await queue.erase(new Set(["eve@example.org"]));
    for (const name of [dead, wait(longPauseMs)]) {
      await until(async () => (await depth(name)) === 1);
      const message = await channel.get(name);
      expect(JSON.parse((message as GetMessage).content.toString())).toMatchObject({ to: "ann@example.org" });
    }
    await channel.close();
  });

  test("those that wait for their next try are in nobody's hand", async () => {
    const sent: string[] = [];
    const failing = Array.from({ length: inHandAtOnce }, newJob);
    const fails = new Set(failing.map(({ id }) => id));
    const queue = await open(
      async ({ id }) => {
        if (fails.has(id)) throw new Error("no");
        sent.push(id);
      },
      { pausesMs: [longPauseMs] },
    );
    await Promise.all(failing.map((job) => queue.accept(job)));
    const job = newJob();
    await queue.accept(job);
    await until(() => sent.includes(job.id), longPauseMs / 2);
    await until(async () => (await depth(queueNames(namespace).wait(longPauseMs))) === inHandAtOnce);
  });

  test("a job is not given away to a queue that is missing", async () => {
    let tries = 0;
    const queue = await open(async () => {
      if (++tries === 1) throw new Error("no");
    });
    await queue.accept(newJob());
    await until(() => tries === 2);
    const channel = await raw.createChannel();
    await channel.deleteQueue(queueNames(namespace).wait(pausesMs[0]!));
    await channel.close();
    tries = 0;
    const job = newJob();
    await queue.accept(job);
    await until(() => sentNotes.has(job.id));
    // It was declared anew.
    expect(await depth(queueNames(namespace).wait(pausesMs[0]!))).toBe(0);
  });

  test("comes back by itself when the connection is lost, and loses nothing", async () => {
    const sent = new Set<string>();
    const queue = await open(async ({ id }) => void sent.add(id));
    const jobs: Job[] = [];
    for (let round = 0; round < 3; round++) {
      for (let at = 0; at < 10; at++) {
        const job = newJob();
        // Only what was acknowledged counts.
        const accepted = queue.accept(job).then(
          () => jobs.push(job),
          () => {},
        );
        if (at === 5) line.cut();
        await accepted;
      }
    }
    expect(jobs.length).toBeGreaterThanOrEqual(24);
    await until(() => jobs.every(({ id }) => sent.has(id)));
  });

  test("comes back by itself when only its subscription ends, and accepts nothing that no queue holds", async () => {
    const sent = new Set<string>();
    const queue = await open(async ({ id }) => void sent.add(id));
    await queue.accept(newJob());
    const channel = await raw.createChannel();
    await channel.deleteQueue(queueNames(namespace).jobs);
    await channel.close();
    const jobs: Job[] = [];
    await until(async () => {
      const job = newJob();
      return queue.accept(job).then(
        () => jobs.push(job) > 5,
        () => false,
      );
    });
    await until(() => jobs.every(({ id }) => sent.has(id)));
  });

  test("without RabbitMQ an acceptance waits three seconds and is then refused", async () => {
    line.refuse(true);
    const queue = await open(async () => {});
    const startedAt = Date.now();
    await expect(queue.accept(newJob())).rejects.toMatchObject({ type: "unavailable", data: { retryAfter: 2 } });
    expect(Date.now() - startedAt).toBeGreaterThan(2500);
    expect(Date.now() - startedAt).toBeLessThan(3500);
    // One that comes back in time is waited for.
    const accepted = queue.accept(newJob());
    line.refuse(false);
    // Its pause between attempts is longer by now, so once more if need be.
    await accepted.catch(() => queue.accept(newJob()));
  });

  test("an acceptance is answered by RabbitMQ's confirmation alone", async () => {
    const queue = await open(async () => {});
    await queue.accept(newJob());
    line.clog();
    const startedAt = Date.now();
    await expect(queue.accept(newJob())).rejects.toMatchObject({ type: "unavailable" });
    expect(Date.now() - startedAt).toBeLessThan(3500);
  });

  test("a job whose acknowledgement was lost is delivered again, but not sent again", async () => {
    let sent = 0;
    const queue = await open(async () => {
      sent++;
      line.cut();
      await pause(300);
    });
    const job = newJob();
    await queue.accept(job);
    await until(() => sentNotes.has(job.id));
    await until(async () => (await depth(queueNames(namespace).jobs)) === 0);
    await pause(1500);
    expect(sent).toBe(1);
    await queue.stop();
    expect(await depth(queueNames(namespace).jobs)).toBe(0);
  });
});
