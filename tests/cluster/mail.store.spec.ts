import { setTimeout as pause } from "node:timers/promises";
import type { Database } from "@confab/mixins/store/collection.ts";
import { openMongo } from "@confab/mixins/store/mongo.ts";
import { ServiceBroker } from "moleculer";
import { makeJob, type Job } from "../../services/mail/job.ts";
import { StoreQueue } from "../../services/mail/queue/store.queue.ts";
import { MailStore } from "../../services/mail/store/mail.store.ts";
import { describeCluster, mongoUrl } from "../support/parts.ts";

jest.setTimeout(30_000);

describeCluster("the table of mail jobs in MongoDB", () => {
  let database: Database;
  let store: MailStore;
  const running: StoreQueue[] = [];

  beforeAll(async () => {
    const service = new ServiceBroker({ logger: false }).createService({ name: "mail" });
    store = await MailStore.open((database = openMongo(service, mongoUrl("mail_store"))));
  });
  afterEach(() => Promise.all(running.splice(0).map((queue) => queue.stop())));
  afterAll(() => database.close());

  const newJob = () =>
    makeJob({ template: "code", to: "ann@example.org", data: { code: "123456", minutes: 10 } }, "confab@example.org");

  async function open(handler: (job: Job) => Promise<void>): Promise<StoreQueue> {
    const queue = new StoreQueue({ store, log: { info() {}, warn() {} }, pausesMs: [50], pollMs: 20 });
    running.push(queue);
    await queue.start(handler);
    return queue;
  }

  async function ended(job: Job, state: "sent" | "dead") {
    while ((await store.jobById(job.id))?.state !== state) await pause(20);
    return (await store.jobById(job.id))!;
  }

  test("workers of several nodes send each job once, and its words go", async () => {
    const sent: string[] = [];
    const queues = await Promise.all([1, 2, 3].map(() => open(async ({ id }) => void sent.push(id))));
    const jobs = Array.from({ length: 60 }, newJob);
    await Promise.all(jobs.map((job, at) => queues[at % 3]!.accept(job)));
    for (const job of jobs) expect(await ended(job, "sent")).not.toHaveProperty("job");
    expect(sent.toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
  });

  test("a job that a dead worker had in hand is sent when its lease is over", async () => {
    const job = newJob();
    await store.addJob(job, Date.now());
    expect(await store.takeJob("dead", Date.now(), 500)).toMatchObject({ _id: job.id });
    expect(await store.takeJob("another", Date.now(), 500)).toBeNull();
    const sent: string[] = [];
    await open(async ({ messageId }) => void sent.push(messageId));
    await ended(job, "sent");
    expect(sent).toEqual([job.messageId]);
  });

  test("what fails for the last time is a dead letter with its reason", async () => {
    const queue = await open(() => Promise.reject(new Error("550 no")));
    const job = newJob();
    await queue.accept(job);
    expect(await ended(job, "dead")).toMatchObject({ failures: 2, reason: "550 no", job });
  });
});
