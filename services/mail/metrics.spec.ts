import { call } from "@confab/mixins/define.ts";
import { healthMiddleware, healthServerOf, healthSettings } from "@confab/mixins/health.ts";
import { ContractValidator } from "@confab/mixins/validator.ts";
import { ServiceBroker } from "moleculer";
import type { AddressInfo } from "node:net";
import { makeJob } from "./job.ts";
import mailService from "./mail.service.ts";
import { countMail, standingOf } from "./metrics.ts";
import type { MailService } from "./service.ts";
import { addDead } from "./store/testing.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(metrics: boolean) {
  const health = healthMiddleware(healthSettings.read({ HEALTH_PORT: "0" }));
  const broker = new ServiceBroker({ logger: false, metrics, validator: new ContractValidator(), middlewares: [health] });
  broker.createService(mailService({ DATA_DIR: "memory" }));
  await broker.start();
  closers.push(() => broker.stop());
  return { broker, mail: broker.getLocalService("mail") as MailService };
}

/** What Prometheus would read, by name. */
async function scrape(broker: ServiceBroker): Promise<Record<string, number>> {
  const { port } = healthServerOf(broker)!.address() as AddressInfo;
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Object.fromEntries(
    [...text.matchAll(/^confab_(mail_\w+)\{[^}]*\} (\S+)/gm)].map(([, name, value]) => [name!, Number(value)]),
  );
}

async function until(broker: ServiceBroker, wanted: Record<string, number>) {
  for (;;) {
    const seen = await scrape(broker);
    if (Object.entries(wanted).every(([name, value]) => seen[name] === value)) return seen;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const zero = { mail_accepted_total: 0, mail_sent_total: 0, mail_retried_total: 0, mail_dead_total: 0 };
const code = (to: string) => ({ template: "code" as const, to, data: { code: "123456", minutes: 10 } });

test("what happens to mails is counted, from nought, and read at /metrics", async () => {
  const { broker } = await start(true);
  expect(await scrape(broker)).toMatchObject(zero);
  for (let at = 0; at < 3; at++) await call(broker, "mail.job.accept", code("ann@example.org"));
  await until(broker, { ...zero, mail_accepted_total: 3, mail_sent_total: 3 });
  countMail(broker, "dead");
  countMail(broker, "retried");
  expect(await scrape(broker)).toMatchObject({ mail_dead_total: 1, mail_retried_total: 1 });
});

test("how the queue stands is looked at when the node starts, and every ten seconds", async () => {
  const looked: (() => void)[] = [];
  const setInterval = jest.spyOn(globalThis, "setInterval").mockImplementation(((look: () => void, ms: number) => {
    if (ms === 10_000) looked.push(look);
    return { unref: () => 0 };
  }) as never);
  closers.push(() => setInterval.mockRestore());
  const { broker, mail } = await start(true);
  await until(broker, { mail_queue_waiting: 0, mail_queue_dead: 0, mail_queue_oldest_seconds: 0 });
  const job = (to: string, agoSeconds: number) => ({
    ...makeJob(code(to), "Confab <no-reply@localhost>"),
    acceptedAt: Date.now() - agoSeconds * 1000,
  });
  const later = Date.now() + 3_600_000;
  for (const ago of [60, 600.5]) await mail.store.addJob(job("ann@example.org", ago), later);
  await addDead(mail.store, job("ann@example.org", 900), "550 no", Date.now());
  expect(looked).toHaveLength(1);
  looked[0]!();
  const seen = await until(broker, { mail_queue_waiting: 2, mail_queue_dead: 1 });
  expect(seen["mail_queue_oldest_seconds"]).toBeGreaterThanOrEqual(600);
  expect(seen["mail_queue_oldest_seconds"]).toBeLessThan(900);
});

test("a mail that has waited for long is told of, however many older ones were just replayed", async () => {
  const { mail } = await start(false);
  const now = Date.now();
  const job = (acceptedAt: number) => ({ ...makeJob(code("ann@example.org"), "confab@example.org"), acceptedAt });
  const dead = Array.from({ length: 60 }, () => job(now - 7_200_000));
  for (const one of dead) await addDead(mail.store, one, "550 no", now);
  await mail.store.addJob(job(now - 3_600_000), now + 3_600_000);
  for (const { id } of dead) await mail.operators.replay(id, now);
  expect(await standingOf(mail.operators, now)).toEqual({ waiting: 61, dead: 0, oldestSeconds: 3600 });
});

test("where nothing is measured nothing is looked at", async () => {
  const setInterval = jest.spyOn(globalThis, "setInterval");
  closers.push(() => setInterval.mockRestore());
  const { broker } = await start(false);
  countMail(broker, "sent");
  expect(setInterval.mock.calls.map(([, ms]) => ms)).not.toContain(10_000);
});
