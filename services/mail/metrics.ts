import type { Result } from "@confab/contracts";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import { waitingSince } from "./findings.ts";
import type { MailService } from "./service.ts";
import type { OperatorStore } from "./store/operator.store.ts";

/** What is counted of the queue, as it happens on this node. */
const counted = {
  accepted: "Mails taken into the queue",
  sent: "Mails that a mail server took",
  retried: "Tries that failed and are repeated",
  dead: "Mails given up",
};
export type Counted = keyof typeof counted;
const counterOf = (what: Counted) => `confab.mail.${what}.total`;

/** How the queue stands, the same on every node. */
const gauges = {
  waiting: { name: "confab.mail.queue.waiting", description: "Mails that wait, 10,000 where there are more" },
  dead: { name: "confab.mail.queue.dead", description: "Mails given up and kept, 10,000 where there are more" },
  oldestSeconds: { name: "confab.mail.queue.oldest.seconds", description: "How long the oldest mail waits" },
};

const lookEveryMs = 10_000;

export function countMail({ metrics }: Pick<ServiceBroker, "metrics">, what: Counted): void {
  metrics.increment(counterOf(what));
}

/** Keeps the metrics of a node while it runs, where they are measured. */
export const measuring = {
  async started(this: MailService & { measurer: NodeJS.Timeout }) {
    const { broker, operators, logger } = this;
    if (!broker.isMetricsEnabled()) return;
    for (const [what, description] of Object.entries(counted)) {
      const name = counterOf(what as Counted);
      // Without a first value a rate has nothing to rise from.
      broker.metrics.register({ type: "counter", name, description })!.increment(undefined, 0);
    }
    for (const gauge of Object.values(gauges)) broker.metrics.register({ type: "gauge", ...gauge });
    const look = async () => {
      const standing = await standingOf(operators, Date.now());
      for (const [what, { name }] of Object.entries(gauges)) broker.metrics.set(name, standing[what as keyof typeof gauges]);
    };
    const tryToLook = () =>
      void look().catch((err: Error) => logger.warn("Could not look how the mail queue stands:", err.message));
    tryToLook();
    this.measurer = setInterval(tryToLook, lookEveryMs).unref();
  },
  async stopped(this: MailService & { measurer?: NodeJS.Timeout }) {
    clearInterval(this.measurer);
  },
} as unknown as Partial<ServiceSchema>;

/** Nobody counts for longer, however many there are. */
const mostCounted = 10_000;
/** Among so many of the oldest ids is the mail that waits longest: ids of several nodes are not quite in the order of time. */
const oldestLookedAt = 50;

export async function standingOf(operators: OperatorStore, now: number): Promise<Result<"mail.job.stats">> {
  return {
    waiting: await operators.countIn("waiting", mostCounted),
    dead: await operators.countIn("dead", mostCounted),
    oldestSeconds: await oldestSecondsOf(operators, now),
  };
}

export async function oldestSecondsOf(operators: OperatorStore, now: number): Promise<number> {
  const oldest = [...(await operators.oldestWaiting(oldestLookedAt)), await operators.oldestReplayed()];
  const since = oldest.flatMap((job) => (job ? [waitingSince(job)] : []));
  return since.length === 0 ? 0 : Math.max(0, Math.floor((now - Math.min(...since)) / 1000));
}
