import type { Result } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import { ContractValidator } from "@confab/mixins/validator.ts";
import { ServiceBroker } from "moleculer";
import { v7 as uuid } from "uuid";
import mailService from "../mail.service.ts";
import { makeJob } from "../job.ts";
import type { MailService } from "../service.ts";

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

test("a mail that waits still, or could not be sent, is told of without its code; one that was sent is held no more", async () => {
  const [waiting, dead, sent] = [codeFor("eve@example.org"), codeFor("Eve@example.org"), codeFor("eve@example.org")];
  const never = Date.now() + 3_600_000;
  await store().addJob(sent, 0);
  await store().endSent((await store().takeJob("one", 0, 1000))!, 1);
  await store().addJob(dead, 0);
  await store().endDead((await store().takeJob("one", 0, 1000))!, "nobody there", 1);
  await store().addJob(waiting, never);
  const records = await exported(["eve@example.org"]);
  const told = ({ id, to, acceptedAt }: typeof waiting, state: string) => ({
    ...{ id, state, template: "code", to, at: new Date(acceptedAt).toISOString() },
  });
  expect(records).toHaveLength(2);
  expect(records).toEqual(expect.arrayContaining([told(waiting, "waiting"), told(dead, "dead")]));
  expect(JSON.stringify(records)).not.toContain("123456");
});

test("a cursor that it did not give out is refused", async () => {
  const asked = call(broker, "mail.person.export", { userId, emails: [], cursor: "x" });
  await expect(asked).rejects.toMatchObject({ type: "bad_input" });
});
