import { setTimeout as pause } from "node:timers/promises";
import type { ChannelModel, ConsumeMessage } from "amqplib";
import type { Job } from "../job.ts";
import type { MailStore } from "../store/mail.store.ts";
import { nameFailure, type QueueLog } from "./queue.ts";

export interface OldQueuesOptions {
  namespace: string;
  pausesMs: readonly number[];
  store: MailStore;
  log: QueueLog;
  /** Says that a job in the table is due then. */
  announce: (jobId: string, dueAt: number) => Promise<void>;
  isStopping: () => boolean;
}

/** The queues of the version before, whose messages are the jobs themselves. */
export const oldQueueNames = (namespace: string) => ({
  jobs: `${namespace}.mail.jobs`,
  dead: `${namespace}.mail.dead`,
  wait: (pauseMs: number) => `${namespace}.mail.wait.${pauseMs}`,
});
const failuresHeader = "x-confab-failures";
const reasonHeader = "x-confab-reason";
const inHandAtOnce = 20;

/**
 * G9: nodes of the version before put jobs into their own queues as long as they run. Whatever lies there goes into the
 * table. G5: one that was noted as sent there is not sent again. A node of theirs may get what this one moved and could
 * not acknowledge before it died, and send it too, under the same Message-ID.
 */
export async function drainOldQueues(connection: ChannelModel, options: OldQueuesOptions): Promise<void> {
  const { namespace, pausesMs, store } = options;
  const { jobs, dead, wait } = oldQueueNames(namespace);
  const isThere = await drain(connection, jobs, options, async (job, failures) => {
    const now = Date.now();
    await store.addJob(job, now, failures);
    return now;
  });
  if (!isThere) return;
  // They wait at most twice as long, but where they can be erased.
  for (const pauseMs of new Set(pausesMs))
    await drain(connection, wait(pauseMs), options, async (job, failures) => {
      const dueAt = Date.now() + pauseMs;
      await store.addJob(job, dueAt, failures);
      return dueAt;
    });
  await drain(connection, dead, options, async (job, failures, reason) => {
    await store.addDead(job, reason, failures, Date.now());
    return undefined;
  });
}

/** False where there is no such queue. `move` resolves with when the job is due, undefined where never. */
async function drain(
  connection: ChannelModel,
  queue: string,
  { log, announce, isStopping }: OldQueuesOptions,
  move: (job: Job, failures: number, reason: string) => Promise<number | undefined>,
): Promise<boolean> {
  // Of its own, since asking for a queue that is not there closes the channel.
  const channel = await connection.createChannel();
  channel.on("error", () => {});
  if (!(await channel.checkQueue(queue).catch(() => undefined))) return false;

  async function take(message: ConsumeMessage) {
    const job = readJob(message.content);
    if (!job) log.warn(`A message in ${queue} is no mail, it is dropped`);
    const { [failuresHeader]: failures, [reasonHeader]: reason } = message.properties.headers ?? {};
    while (job && !isStopping()) {
      try {
        const dueAt = await move(job, Number(failures ?? 0), String(reason ?? "given up"));
        if (dueAt !== undefined) await announce(job.id, dueAt);
        break;
      } catch (err) {
        log.warn(`Could not move mail ${job.id} out of ${queue}, will try again: ${nameFailure(err)}`);
        await pause(1000);
      }
    }
    // What is not acknowledged stays there.
    if (!isStopping()) channel.ack(message);
  }
  await channel.prefetch(inHandAtOnce);
  await channel.consume(queue, (message) => {
    // Throws where the channel is lost meanwhile: it is delivered again, and known already.
    if (message) void take(message).catch(() => {});
  });
  return true;
}

function readJob(body: Buffer): Job | undefined {
  try {
    const job = JSON.parse(body.toString()) as Job | null;
    return job?.id && job.messageId && job.to ? job : undefined;
  } catch {
    return undefined;
  }
}
