import type { Result } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import { ContractValidator } from "@confab/mixins/validator.ts";
import { ServiceBroker } from "moleculer";
import { v7 as uuid } from "uuid";
import mailService from "../mail.service.ts";
import { makeJob } from "../job.ts";
import type { MailService } from "../service.ts";
import { hasDeclined, unsubscribeUrlOf } from "../unsubscribe.ts";

const broker = new ServiceBroker({ logger: false, validator: new ContractValidator() });
beforeAll(async () => {
  broker.createService(mailService({ DATA_DIR: "memory" }));
  await broker.start();
});
afterAll(() => broker.stop());

const userId = uuid();
const store = () => (broker.getLocalService("mail") as MailService).store;
const codeFor = (to: string) =>
  makeJob({ template: "code", to, data: { code: "123456", minutes: 10 } }, "Confab <no-reply@localhost>");

async function exported(emails: string[]) {
  const records: unknown[] = [];
  let cursor: string | null | undefined;
  do {
    const params = { userId, emails, ...(cursor ? { cursor } : {}) };
    const page: Result<"mail.person.export"> = await call(broker, "mail.person.export", params);
    records.push(...page.records.map(({ record }) => record));
    cursor = page.cursor;
  } while (cursor);
  return records;
}

test("whose addresses are asked about gets the mails that were kept for them, page by page, and nobody else's", async () => {
  const keep = (to: string, at: number) =>
    store().keepMail({ _id: uuid(), address: to.toLowerCase(), to, subject: `mail ${at}`, text: "", html: "", headers: {}, at });
  for (let at = 0; at < 120; at++) await keep("Ann@example.org", at);
  await keep("ann@home.example", 1000);
  await keep("bob@example.org", 2000);
  const records = (await exported(["ann@Example.org", "ann@home.example"])) as { subject: string }[];
  expect(records.map(({ subject }) => subject)).toEqual([...Array.from({ length: 120 }, (_, at) => `mail ${at}`), "mail 1000"]);
  expect(await exported([])).toEqual([]);
});

test("what became of each mail is told, and what the mail server said, but never what was in it", async () => {
  const [waiting, dead, sent] = [codeFor("eve@example.org"), codeFor("Eve@example.org"), codeFor("eve@example.org")];
  const take = async ({ id }: typeof sent) => (await store().takeJob(id, "one", 0, 1000))!;
  for (const job of [waiting, dead, sent]) await store().addJob(job, 0);
  await store().retryJob(await take(waiting), "450 later", 1, 5000);
  await store().endDead(await take(dead), "550 nobody there", 1, 1);
  await store().endSent(await take(sent), "250 queued", 1);
  const records = await exported(["eve@example.org"]);
  const told = ({ id, acceptedAt }: typeof waiting, state: string, step: object) => ({
    ...{ id, state, template: "code", to: "eve@example.org", at: new Date(acceptedAt).toISOString() },
    history: [
      { at: new Date(acceptedAt).toISOString(), what: "accepted" },
      { at: new Date(1).toISOString(), ...step },
    ],
  });
  expect(records).toEqual([
    told(waiting, "waiting", { what: "refused", answer: "450 later", nextAt: new Date(5000).toISOString() }),
    told(dead, "dead", { what: "dead", answer: "550 nobody there" }),
    told(sent, "sent", { what: "sent", answer: "250 queued" }),
  ]);
  expect(JSON.stringify(records)).not.toContain("123456");
});

test("a mail in the inbox is told beside what became of it, however many there are of either", async () => {
  for (let at = 0; at < 75; at++) {
    const job = codeFor("joe@example.org");
    await store().addJob(job, Date.now() + 3_600_000);
    const words = { to: job.to, subject: "", text: "", html: "", headers: {} };
    if (at % 3 > 0) await store().keepMail({ ...{ _id: job.id, address: job.to, at }, ...words });
  }
  const records = (await exported(["joe@example.org"])) as { id: string; state?: string }[];
  const ids = (of: typeof records) => new Set(of.map(({ id }) => id)).size;
  expect(records).toHaveLength(75 + 50);
  expect(ids(records.filter(({ state }) => state))).toBe(75);
  expect(ids(records.filter(({ state }) => !state))).toBe(50);
});

test("what is known of an address is told: that it was refused, and what was ended there; erased, the wish stays", async () => {
  const to = "kim@example.org";
  const mail = broker.getLocalService("mail") as MailService;
  const invitation = { template: "invitation", to, data: { by: "Ann", title: "Readers", url: "https://x.example" } } as const;
  await store().noteRefusal(to, "550 no such user", 1);
  const refused = { at: new Date(1).toISOString(), answer: "550 no such user" };
  expect(await exported([to])).toEqual([{ address: to, refused, declined: [] }]);
  const token = (await unsubscribeUrlOf(mail, invitation))!.split("/").at(-1)!;
  await call(broker, "mail.unsubscribe.take", { token });
  expect(await exported(["Kim@example.org"])).toEqual([{ address: to, refused, declined: ["invitation"] }]);
  await call(broker, "mail.person.erase", { emails: [to] });
  expect(await store().isRefused(to)).toBe(false);
  // Nothing is kept that the address could be read from.
  expect(await hasDeclined(mail, invitation)).toBe(true);
});

test("a cursor that it did not give out is refused", async () => {
  const asked = call(broker, "mail.person.export", { userId, emails: [], cursor: "x" });
  await expect(asked).rejects.toMatchObject({ type: "bad_input" });
});

test("what somebody was told of their unread messages is theirs to see, and goes with them", async () => {
  const { digests } = broker.getLocalService("mail") as MailService;
  const data = { userId, name: "", more: 0, url: "", chats: [] };
  const job = makeJob({ template: "digest", to: "told@example.org", data }, "Confab <no-reply@localhost>");
  const decided = await digests.decide(
    { _id: userId, number: 0, told: {} },
    { kind: "digest", job, told: { c: 7 }, at: 86_400_000 },
  );
  await digests.carriedOut(decided!);
  const [record] = await exported([]);
  expect(record).toEqual({ toldUpTo: { c: 7 }, digestAt: "1970-01-02T00:00:00.000Z", notifiedAt: null, untoldSince: null });
  await digests.note(new Map([[userId, { at: 0 }]]), 3_600_000 * 24 * 365 * 100);
  expect(await exported(["told@example.org"])).toMatchObject([{ toldUpTo: { c: 7 }, untoldSince: "1970-01-01T00:00:00.000Z" }]);
  await call(broker, "mail.person.erase", { userId, emails: [] });
  expect(await exported([])).toEqual([]);
});
