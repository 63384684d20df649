import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { call } from "@confab/mixins/define.ts";
import type { Database } from "@confab/mixins/store/collection.ts";
import { openMongo } from "@confab/mixins/store/mongo.ts";
import { ServiceBroker } from "moleculer";
import { v7 as uuid } from "uuid";
import { brokerOptions, clusterSettings } from "../../moleculer.config.ts";
import { MailStore } from "../../services/mail/store/mail.store.ts";
import type { Parts } from "../../tools/parts/parts.ts";
import { TestClient } from "../support/client.ts";
import { mailAfterTriesMs, mailOfKilledMs } from "../support/limits.ts";
import { Ground, TestNode, type NodeEnv } from "../support/node.ts";
import { describeCluster, mongoUrl, ownParts, redisUrl } from "../support/parts.ts";
import { between, fork, pick, seededRandom, type Random } from "../support/random.ts";
import { eventually, pause } from "../support/wait.ts";
import { MailServer, type Deed } from "./g5.smtp.ts";

/** What the mail server does at the first mail to somebody, by chance; later ones it takes. */
const shortDeeds: Deed[] = ["450 4.2.0 not now", "451 4.3.0 not now either", "cut", "cut after yes"];
const deeds: Deed[] = [...shortDeeds, "stall"];
const never = "550 5.1.1 nobody of that name";

/** Nodes with mail on them, a mail server, and whatever befalls them. */
class Battlefield {
  readonly ground = new Ground();
  readonly nodes: TestNode[] = [];
  readonly kills: { node: string; at: number }[] = [];
  readonly server: MailServer;
  readonly #random: Random;
  readonly #deeds = new Map<string, Deed>();
  readonly #reviving = new Map<TestNode, Promise<void>>();

  constructor(random: Random) {
    this.#random = fork(random);
    this.server = new MailServer({
      deed: (to, at) => {
        const deed = this.#deeds.get(to) ?? "take";
        if (at === "words") this.#deeds.delete(to);
        return deed;
      },
      kill: (name) => this.kill(this.nodes.find((node) => node.name === name)!),
    });
  }

  async open(names: readonly string[], env: () => NodeEnv): Promise<void> {
    await this.server.start();
    for (const name of names) {
      const own = { ...env(), SMTP_URL: this.server.url, MAIL_EHLO_NAME: name, MAIL_PER_SECOND: "200" };
      this.nodes.push(await TestNode.create(this.ground, name, own));
    }
    for (const node of this.nodes) node.launch();
    await Promise.all(this.nodes.map((node) => node.ready()));
  }

  /** So much of the mail server's ill will awaits one in `often`. */
  expectAt(to: string, among: readonly Deed[], often: number): void {
    if (this.#random() < 1 / often) this.#deeds.set(to, pick(this.#random, among));
  }

  forgive(all: readonly string[]): void {
    for (const to of all) this.#deeds.delete(to);
  }

  plan(to: string, deed: Deed): void {
    this.#deeds.set(to, deed);
  }

  /** kill -9, and the process comes again after a while; one that is killed on its way comes again too. */
  kill(node: TestNode): void {
    this.kills.push({ node: node.name, at: Date.now() });
    node.signal("SIGKILL");
    if (this.#reviving.has(node)) return;
    const reviving = this.#revive(node).finally(() => this.#reviving.delete(node));
    this.#reviving.set(node, reviving);
  }

  async #revive(node: TestNode): Promise<void> {
    for (let isReady = false; !isReady;) {
      await node.kill("SIGKILL");
      await pause(between(this.#random, 0, 800));
      node.launch();
      isReady = await node.ready().then(
        () => true,
        async (error: unknown) => {
          if ((await node.ended(0)) === "by SIGKILL") return false;
          throw error;
        },
      );
    }
  }

  async revived(): Promise<void> {
    await Promise.all(this.#reviving.values());
  }

  /**
   * No copy but the last of a mail may have been heard of by a node that lived to note it: either the line was cut
   * after the yes, or the node was killed so soon after it that the note may not have been made, or before it, when the
   * mail was on its way already.
   */
  expectNoSecondCopies(): { doubled: number; mails: number } {
    const byMessage = Map.groupBy(this.server.copies, ({ messageId }) => messageId);
    let doubled = 0;
    for (const [messageId, copies] of byMessage) {
      expect(new Set(copies.map(({ to }) => to)).size).toBe(1);
      if (copies.length > 1) doubled++;
      for (const copy of copies.slice(0, -1)) {
        const killed = this.kills.some(
          ({ node, at }) => node === copy.from && at - copy.at < noteWithinMs && copy.at - at < onTheWayMs,
        );
        if (copy.heard && !killed) throw new Error(`${messageId} left twice: ${JSON.stringify({ copies, kills: this.kills })}`);
      }
    }
    return { doubled, mails: byMessage.size };
  }

  expectSilentLogs(secrets: RegExp): void {
    for (const node of this.nodes) expect(readFileSync(node.log, "utf8")).not.toMatch(secrets);
  }

  tail(): string {
    return this.nodes.map((node) => node.tail(15)).join("\n\n");
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#reviving.values());
    await Promise.all(this.nodes.map((node) => node.kill("SIGKILL")));
    await this.server.stop();
    await this.ground.clear();
  }
}

/** A note takes a few milliseconds, on a machine that is busy with three nodes that start some more. */
const noteWithinMs = 2000;
/** A node that is started anew says nothing to the mail server for longer than this. */
const onTheWayMs = 1000;

describe("G5: accepted mail is sent, embedded", () => {
  test("through kills of the process and a mail server that refuses, hangs up and is away", async () => {
    const random = seededRandom();
    const field = new Battlefield(random);
    try {
      await field.open(["confab"], () => ({ MAIL_RETRY_SECONDS: "1", CODES_PER_HOUR: "100" }));
      const [node] = field.nodes as [TestNode];
      const client = new TestClient({ api: node.url, io: node.url });
      const asked: string[] = [];
      for (let at = 0; at < 50; at++) {
        const email = `embedded-${at}.${randomUUID()}@example.test`;
        if (at === 12 || at === 42) field.plan(email, "kill");
        else field.expectAt(email, shortDeeds, 5);
        if (at === 20) await field.server.stop();
        if (at === 32) await field.server.start();
        if (at === 6 || at === 26) field.kill(node);
        // Until it is accepted: what was not may have led to a mail all the same, of another code.
        await eventually("a code is accepted", async () => !(await client.ask("user.code.request", { email })).problem);
        asked.push(email);
        await pause(30);
      }
      await eventually(
        () => `every mail arrives\n${field.tail()}`,
        () => {
          const arrived = new Set(field.server.copies.map(({ to }) => to));
          return asked.every((email) => arrived.has(email));
        },
        { limit: mailAfterTriesMs(4, 1000) },
      );
      await field.revived();
      await pause(1500);
      const { doubled, mails } = field.expectNoSecondCopies();
      field.expectSilentLogs(/@example\.test/);
      expect(field.kills.length).toBeGreaterThanOrEqual(4);
      console.log(`embedded: ${mails} mails, ${doubled} of them twice, ${field.kills.length} kills, ${said(field)}`);
    } finally {
      await field.close();
    }
  });
});

const said = ({ server }: Battlefield) => JSON.stringify(Object.fromEntries(server.done));

describeCluster("G5: accepted mail is sent, in a cluster", () => {
  const count = 500;
  const awayMs = 60_000;
  let parts: Parts;
  let broker: ServiceBroker | undefined;
  let database: Database | undefined;
  let opened: Battlefield | undefined;

  beforeAll(async () => void (parts = await ownParts("rabbitmq")));
  afterAll(async () => {
    await database?.close();
    await opened?.close();
    await broker?.stop();
    await parts?.stop();
  });

  test("500 mails arrive, through kills of nodes and RabbitMQ and a minute without mail server, none twice but those cut after the yes", async () => {
    const random = seededRandom();
    const field = (opened = new Battlefield(random));
    const namespace = `g5-${randomUUID().slice(0, 8)}`;
    const env: NodeEnv = {
      TRANSPORTER: parts.rabbitUrl,
      REDIS_URL: redisUrl(),
      MONGO_URL: mongoUrl(namespace),
      NAMESPACE: namespace,
    };
    // The pauses are those of production: 5, 15, 45 s, and then minutes. So the server's ill will is for the first mails
    // while it is there, and mails come in while it is there or has just gone: their fourth try finds it again.
    await field.open(["mail-1", "mail-2", "mail-3"], () => ({ ...env, SERVICES: "mail" }));
    const settings = clusterSettings.read({ ...env, NODE_ENV: "test", LOG_LEVEL: "fatal", SERVICES: "mail" });
    const asker = (broker = new ServiceBroker(brokerOptions(settings)));
    await asker.start();
    await asker.waitForServices("mail");

    const jobs = Array.from({ length: count }, (_, at) => ({ jobId: uuid(), to: `cluster-${at}@example.test` }));
    const [early, middle, late] = [jobs.slice(0, 200), jobs.slice(200, 350), jobs.slice(350)];
    const lost = new Set<string>();
    for (const { to } of early) field.expectAt(to, deeds, 6);
    for (const { to } of early.slice(5, 15)) lost.add(to);
    for (const to of lost) field.plan(to, never);
    field.plan(early[60]!.to, "kill");

    /** Again and again until it is accepted, as whoever causes a mail does. */
    async function accept(some: typeof jobs, everyMs: number): Promise<void> {
      const mail = { template: "code", data: { code: "135791", minutes: 10 } };
      const accepting = some.map(async (job, at) => {
        await pause(at * everyMs);
        await eventually("a mail is accepted", () => call(asker, "mail.job.accept", { ...job, ...mail }), { limit: 60_000 });
      });
      await Promise.all(accepting);
    }
    let isOver = false;
    const killing = (async () => {
      for (;;) {
        await pause(between(random, 3000, 7000));
        if (isOver) return;
        field.kill(pick(random, field.nodes));
        await field.revived();
      }
    })();
    await accept(early, 25);
    await field.server.stop();
    const goneAt = Date.now();
    const breaking = (async () => {
      await pause(between(random, 0, 3000));
      await parts.rabbitmq.kill();
      await parts.rabbitmq.start();
    })();
    await accept(middle, 25);
    await breaking;
    await pause(awayMs - (Date.now() - goneAt));
    field.forgive(
      middle
        .concat(early)
        .filter(({ to }) => !lost.has(to))
        .map(({ to }) => to),
    );
    // One that stalls was cut off as the server went; now it would be waited for.
    for (const { to } of late) field.expectAt(to, shortDeeds, 6);
    field.plan(late[60]!.to, "kill");
    await field.server.start();
    await accept(late, 25);
    isOver = true;
    await killing;

    const service = new ServiceBroker({ logger: false }).createService({ name: "mail" });
    const store = await MailStore.open((database = openMongo(service, mongoUrl(namespace))));
    const wanted = jobs.filter(({ to }) => !lost.has(to));
    const arrived = () => new Set(field.server.copies.map(({ to }) => to));
    const missing = () => wanted.filter(({ to }) => !arrived().has(to));
    await eventually(
      () => `every mail arrives, ${missing().length} do not\n${field.tail()}`,
      () => missing().length === 0,
      {
        limit: mailAfterTriesMs(4),
      },
    );
    for (const { jobId, to } of jobs) {
      const state = lost.has(to) ? "dead" : "sent";
      // Its last worker may have been killed between the server's yes and the note.
      await eventually(`the mail to ${to} is ${state}`, async () => (await store.jobById(jobId))?.state === state, {
        limit: mailOfKilledMs,
      });
    }
    for (const { messageId, to } of field.server.copies) {
      const { jobId } = jobs.find((job) => job.to === to)!;
      expect(messageId).toBe(`<${jobId}@localhost>`);
    }
    const { doubled, mails } = field.expectNoSecondCopies();
    expect(mails).toBe(wanted.length);
    for (const { jobId, to } of jobs.filter((job) => lost.has(job.to))) {
      expect(await store.jobById(jobId)).toMatchObject({ failures: 1, reason: expect.stringContaining("550") as string });
      expect(await store.isRefused(to)).toBe(true);
    }
    field.expectSilentLogs(/@example\.test|135791/);
    console.log(`cluster: ${mails} mails, ${doubled} of them twice, ${field.kills.length} kills of nodes, ${said(field)}`);
  });
});
