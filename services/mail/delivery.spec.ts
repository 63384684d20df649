import { call } from "@confab/mixins/define.ts";
import { Unavailable } from "@confab/mixins/store/collection.ts";
import { ContractValidator } from "@confab/mixins/validator.ts";
import type { MailJob } from "@confab/contracts";
import { ServiceBroker } from "moleculer";
import { v7 as uuid } from "uuid";
import { makeJob } from "./job.ts";
import mailService from "./mail.service.ts";
import type { MailService } from "./service.ts";
import type { StoredJob } from "./store/documents.ts";
import { startSmtpServer, type TestServer } from "./transports/testing.ts";

const refused = "gone@example.org";
let server: TestServer;
let broker: ServiceBroker;
let service: MailService;

beforeAll(async () => {
  server = await startSmtpServer((stage, address) =>
    stage === "rcpt" && address.toLowerCase() === refused ? "550 5.1.1 nobody of that name" : undefined,
  );
  broker = new ServiceBroker({ logger: false, validator: new ContractValidator() });
  broker.createService(mailService({ DATA_DIR: "memory", SMTP_URL: server.url(), MAIL_PER_SECOND: "1000" }));
  await broker.start();
  service = broker.getLocalService("mail") as MailService;
});
afterAll(async () => {
  await broker.stop();
  await server.close();
});

const code = { template: "code", data: { code: "123456", minutes: 10 } } as const;
const invitation = { template: "invitation", data: { by: "Bob", title: "Team", url: "http://localhost:3000/i/1" } } as const;
const unread = { name: "Ann", more: 0, url: "http://localhost:3000/", chats: [] };
const received = (to: string) => server.received.filter((mail) => mail.to.includes(to));

async function ended(jobId: string): Promise<StoredJob> {
  for (const end = Date.now() + 20_000; ; await new Promise((resolve) => setTimeout(resolve, 10))) {
    const job = await service.store.jobById(jobId);
    if (job && job.state !== "waiting") return job;
    if (Date.now() > end) throw new Error(`it waits still: ${job?.reason}`);
  }
}

/** As it lies in the table, however it got there. */
async function added(mail: object): Promise<string> {
  const job = makeJob(mail as MailJob, "confab@example.org");
  await service.store.addJob(job, Date.now());
  service.queue.wake(job.id);
  return job.id;
}

describe("a mail that is asked for", () => {
  test("twice under one id leaves once, also after it was sent; what was asked for first counts", async () => {
    const [jobId, to] = [uuid(), `${uuid()}@example.org`];
    const ask = (language: "en" | "de") => call(broker, "mail.job.accept", { ...code, to, jobId, language });
    expect(await Promise.all([ask("de"), ask("en"), ask("de")])).toEqual([{ jobId }, { jobId }, { jobId }]);
    expect(await ended(jobId)).toMatchObject({ state: "sent", messageId: `<${jobId}@localhost>` });
    expect(await ask("en")).toEqual({ jobId });
    await service.queue.settle();
    expect(received(to)).toHaveLength(1);
    expect(received(to)[0]!.raw).toContain(`Message-ID: <${jobId}@localhost>`);
  });

  test("while the store is away is refused for now", async () => {
    const away = jest.spyOn(service.store, "addJob").mockRejectedValueOnce(new Unavailable("away"));
    const asked = call(broker, "mail.job.accept", { ...code, to: "ann@example.org" });
    await expect(asked).rejects.toMatchObject({ type: "unavailable", data: { retryAfter: 2 } });
    away.mockRestore();
  });
});

test("an address that was refused gets no mail that it can do without, but is asked anew for each code", async () => {
  const first = await ended((await call(broker, "mail.job.accept", { ...code, to: "Gone@example.org" })).jobId);
  expect(first).toMatchObject({ state: "dead", failures: 1, reason: expect.stringContaining("550 5.1.1") as string });
  const userId = uuid();
  for (const mail of [
    invitation,
    { template: "digest", data: { userId, ...unread } },
    { template: "notification", data: { userId, ...unread } },
  ]) {
    const job = await ended(await added({ ...mail, to: "Gone@example.org" }));
    expect(job).toMatchObject({ state: "dead", failures: 0, reason: "a mail to this address was refused earlier" });
  }
  const tried = await ended((await call(broker, "mail.job.accept", { ...code, to: refused })).jobId);
  expect(tried).toMatchObject({ state: "dead", failures: 1 });
  await service.store.clearRefusal(refused);
  const asked = await ended(await added({ ...invitation, to: refused }));
  expect(asked).toMatchObject({ failures: 1, reason: expect.stringContaining("550 5.1.1") as string });
});

test("an invitation to an address that declined them is not sent, and says so", async () => {
  const to = `${uuid()}@example.org`;
  const declined = jest.spyOn(service.declines, "isDeclined").mockResolvedValueOnce(true);
  const job = await ended(await added({ ...invitation, to }));
  declined.mockRestore();
  expect(job).toMatchObject({ state: "dead", failures: 0, reason: "such mails were declined at this address" });
  await ended(await added({ ...invitation, to }));
  expect(received(to)).toHaveLength(1);
});

test.each([
  [
    "whose data its template cannot fill in",
    { template: "digest", to: "ann@example.org", data: { userId: uuid(), chats: [{}] } },
  ],
  ["to what is no one address", { ...code, to: "ann@example.org, eve@example.org" }],
  ["whose address would begin another header", { ...code, to: "ann@example.org\r\nBcc: eve@example.org" }],
])("a mail %s is dead at once, and the queue goes on", async (_, mail) => {
  const [broken, sound] = [await added(mail), await added({ ...code, to: `${uuid()}@example.org` })];
  expect(await ended(broken)).toMatchObject({
    ...{ state: "dead", failures: 0 },
    reason: expect.stringMatching(/^the mail cannot be made: /) as string,
  });
  expect(await ended(sound)).toMatchObject({ state: "sent" });
});

test("G9: a mail that only nodes of the next version know waits for one of them", async () => {
  const jobId = await added({ template: "of-tomorrow", to: "ann@example.org", data: {} });
  for (const end = Date.now() + 20_000; (await service.store.jobById(jobId))?.failures !== 1;)
    if (Date.now() > end) throw new Error("it was not tried");
    else await new Promise((resolve) => setTimeout(resolve, 10));
  expect(await service.store.jobById(jobId)).toMatchObject({ state: "waiting", reason: "this node does not know such mails" });
});

test("who is erased takes their waiting mails along, and those about their messages", async () => {
  const [userId, to] = [uuid(), `${uuid()}@example.org`];
  const far = Date.now() + 3_600_000;
  const jobs = [
    makeJob({ ...code, to: to.toUpperCase() }, "confab@example.org"),
    makeJob({ template: "digest", to: `${uuid()}@example.org`, data: { userId, ...unread } }, "confab@example.org"),
  ];
  const others = makeJob({ ...code, to: `${uuid()}@example.org` }, "confab@example.org");
  for (const job of [...jobs, others]) await service.store.addJob(job, far);
  await call(broker, "mail.person.erase", { userId, emails: [to] });
  for (const { id } of jobs) expect(await service.store.jobById(id)).toBeNull();
  expect(await service.store.jobById(others.id)).not.toBeNull();
});
