import type { ActionName, Params } from "@confab/contracts";
import { call, define, type Meta } from "@confab/mixins/define.ts";
import { ContractValidator } from "@confab/mixins/validator.ts";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { v7 as uuid } from "uuid";
import { makeJob, type Job } from "../job.ts";
import mailService from "../mail.service.ts";
import { deadKeptMs } from "../queue/queue.ts";
import type { MailService } from "../service.ts";
import { addDead } from "../store/testing.ts";

const admin: Meta = { userId: uuid(), role: "admin", address: "10.0.0.1" };
const acts: Params<"user.audit.note">[] = [];
let isAuditAway = false;
const broker = new ServiceBroker({ logger: false, validator: new ContractValidator() });
const note = define("user.audit.note", async ({ params }) => {
  if (isAuditAway) throw new Error("away");
  acts.push(params);
  return null;
});
let mail: MailService;
beforeAll(async () => {
  broker.createService({ name: "user", actions: note } as ServiceSchema);
  broker.createService(mailService({ DATA_DIR: "memory" }));
  await broker.start();
  mail = broker.getLocalService("mail") as MailService;
});
afterAll(() => broker.stop());
beforeEach(() => {
  acts.length = 0;
  isAuditAway = false;
});

const ask = <N extends ActionName>(name: N, params: Params<N>, meta: Meta = admin) => call(broker, name, params, { meta });
const newAddress = () => `Ann.${uuid()}@example.org`;
const secret = "987654";
function code(to: string): Job {
  return makeJob({ template: "code", to, data: { code: secret, minutes: 10 } }, "Confab <no-reply@localhost>");
}
async function dead(to = newAddress(), endedAt = Date.now()): Promise<Job> {
  const job = code(to);
  await addDead(mail.store, job, `550 no such user ${to}`, endedAt);
  return job;
}
async function sent(to: string): Promise<void> {
  const { jobId } = await call(broker, "mail.job.accept", { template: "code", to, data: { code: secret, minutes: 10 } });
  while ((await mail.store.jobById(jobId))?.state !== "sent") await new Promise((resolve) => setTimeout(resolve, 5));
}
const outcome = (asked: Promise<unknown>) =>
  asked.then(
    () => "done",
    (err: { type: string }) => err.type,
  );

const routes: [ActionName, Record<string, unknown>][] = [
  ["mail.admin.list", {}],
  ["mail.admin.dead", {}],
  ["mail.admin.explain", { address: "ann@example.org" }],
  ["mail.admin.forgive", { address: "ann@example.org" }],
  ["mail.admin.replay", { jobId: uuid() }],
  ["mail.admin.replayDead", {}],
];
test.each(routes)("%s is for administrators, whoever forgot to ask at the door", async (name, params) => {
  expect(await outcome(broker.call(name, params))).toBe("unauthenticated");
  expect(await outcome(broker.call(name, params, { meta: { userId: uuid(), role: "user" } }))).toBe("forbidden");
  expect(acts).toEqual([]);
});

test.each(routes)("%s is told of in the audit log before it is done, without an address", async (name, params) => {
  const { id } = await dead("ann@example.org");
  const given = name === "mail.admin.replay" ? { jobId: id } : params;
  isAuditAway = true;
  expect(await outcome(broker.call(name, given, { meta: admin }))).not.toBe("done");
  expect((await mail.store.jobById(id))!.state).toBe("dead");
  isAuditAway = false;
  await broker.call(name, given, { meta: admin });
  expect(acts).toMatchObject([{ by: admin.userId, action: name, address: "10.0.0.1" }]);
  expect(JSON.stringify(acts)).not.toContain("example.org");
});

test("whoever asks why learns what became of each mail and why, and never what one says", async () => {
  const to = newAddress();
  await sent(to);
  const job = await dead(to);
  await mail.store.noteRefusal(to.toLowerCase(), "550 5.1.1 no such user", Date.now());
  const told = await ask("mail.admin.explain", { address: to.toUpperCase() });
  expect(told).toMatchObject({ address: to.toLowerCase(), refused: { answer: "550 5.1.1 no such user" }, unsubscribed: [] });
  expect(told.findings[0]).toContain("550 5.1.1 no such user");
  expect(told.jobs).toMatchObject([
    {
      ...{ id: job.id, messageId: job.messageId, template: "code", state: "dead", tries: 1, nextAt: null },
      reason: `550 no such user ${to}`,
      history: [{ what: "accepted" }, { what: "dead", answer: `550 no such user ${to}` }],
    },
    { state: "sent", reason: null, history: [{ what: "accepted" }, { what: "sent" }] },
  ]);
  expect(JSON.stringify(told)).not.toContain(secret);
  // As the REPL calls it, with nobody in front.
  expect(await call(broker, "mail.job.explain", { address: to })).toEqual(told);
  await ask("mail.admin.forgive", { address: to });
  const after = await ask("mail.admin.explain", { address: to });
  expect([after.refused, after.findings[0]]).toEqual([null, expect.stringContaining("given up")]);
});

test("lists go on where they ended, and take no cursor but their own", async () => {
  const to = newAddress();
  const jobs = [await dead(to), await dead(to), await dead(to)].map(({ id }) => id).reverse();
  const first = await ask("mail.admin.list", { address: to, state: "dead", limit: 2 });
  const second = await ask("mail.admin.list", { address: to, state: "dead", limit: 2, cursor: first.nextCursor! });
  expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(jobs);
  expect(second.nextCursor).toBeNull();
  expect((await ask("mail.admin.list", { address: to, state: "sent" })).items).toEqual([]);
  expect((await ask("mail.admin.dead", { limit: 1 })).items[0]!.id).toBe(jobs[0]);
  expect(await outcome(ask("mail.admin.dead", { cursor: "x" }))).toBe("bad_input");
});

test("of fifty replays of a mail at once one does it, and it goes out once", async () => {
  const { id, to } = await dead();
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => outcome(ask("mail.admin.replay", { jobId: id }))));
  expect(outcomes.toSorted()).toEqual(["done", ...Array<string>(49).fill("mail.job_not_dead")]);
  while ((await mail.store.jobById(id))!.state !== "sent") await new Promise((resolve) => setTimeout(resolve, 5));
  const { items } = await call(broker, "mail.inbox.list", { to });
  expect(items).toHaveLength(1);
  const { jobs } = await call(broker, "mail.job.explain", { address: to });
  expect(jobs[0]!.history.map(({ what }) => what)).toEqual(["accepted", "dead", "replayed", "sent"]);
});

test("what is not dead, not there, or says nothing any more is not replayed", async () => {
  const to = newAddress();
  await sent(to);
  const { id } = (await call(broker, "mail.job.explain", { address: to })).jobs[0]!;
  expect(await outcome(ask("mail.admin.replay", { jobId: id }))).toBe("mail.job_not_dead");
  expect(await outcome(ask("mail.admin.replay", { jobId: uuid() }))).toBe("mail.job_not_found");
  const old = await dead(newAddress(), Date.now() - deadKeptMs - 1);
  await mail.store.sweep(Date.now());
  expect(await outcome(ask("mail.admin.replay", { jobId: old.id }))).toBe("mail.job_has_no_words");
  expect(acts).toEqual([]);
});

test("all dead mails of an address or template are replayed, each once, however many ask at once", async () => {
  const [ann, bob] = [newAddress(), newAddress()];
  const jobs: Job[] = [];
  for (let at = 0; at < 120; at++) jobs.push(await dead(ann));
  const other = await dead(bob);
  expect(await ask("mail.admin.replayDead", { address: ann, template: "digest" })).toEqual({ replayed: 0 });
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => ask("mail.admin.replayDead", { address: ann, template: "code" })),
  );
  expect(answers.reduce((sum, { replayed }) => sum + replayed, 0)).toBe(120);
  for (const { id } of jobs)
    while ((await mail.store.jobById(id))!.state !== "sent") await new Promise((resolve) => setTimeout(resolve, 5));
  expect((await mail.store.jobById(other.id))!.state).toBe("dead");
  const histories = await Promise.all(
    jobs.map(async ({ id }) => (await mail.store.jobById(id))!.history.map(({ what }) => what)),
  );
  for (const history of histories) expect(history).toEqual(["accepted", "dead", "replayed", "sent"]);
});

test("how the queue stands is counted", async () => {
  const before = await call(broker, "mail.job.stats", {});
  await dead();
  const waiting = { ...code(newAddress()), acceptedAt: Date.now() - 90_000 };
  await mail.store.addJob(waiting, Date.now() + 3_600_000);
  const after = await call(broker, "mail.job.stats", {});
  expect([after.dead - before.dead, after.waiting - before.waiting]).toEqual([1, 1]);
  expect(after.oldestSeconds).toBeGreaterThanOrEqual(90);
});
