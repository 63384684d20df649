import type { Job } from "../job.ts";

/** Sends one job, or throws. */
export type Handler = (job: Job) => Promise<void>;

/** The durable queue of mails, in one of two forms: a table of jobs in the store, or RabbitMQ. */
export interface MailQueue {
  /** Resolves once the job can no longer be lost (G5). Throws `unavailable` where that did not come about in time. */
  accept(job: Job): Promise<void>;
  /**
   * Hands jobs to the handler, one job to one handler at a time, whichever node accepted it. One that throws gets its
   * job again after a pause; after the last try the job is a dead letter that tells why.
   */
  start(handler: Handler): Promise<void>;
  /** Removes what waits for these addresses, or could not be sent to them, as far as it is not in the store. */
  erase(addresses: ReadonlySet<string>): Promise<void>;
  /** Takes no more jobs and lets those in hand finish; but a mail server that stalls delays no stop: its job stays in the queue. */
  stop(): Promise<void>;
}

/** How the queue tells what it does: the job's id and template, never its address or code. */
export interface QueueLog {
  info(line: string): void;
  warn(line: string): void;
}

const longestPauseMs = 3_600_000;

/** The pauses between `tries` tries: each three times the one before, an hour at most. */
export function growingPauses(tries: number, firstMs: number): number[] {
  return Array.from({ length: tries - 1 }, (_, at) => Math.min(firstMs * 3 ** at, Math.max(firstMs, longestPauseMs)));
}

/** Mails in hand at a time, on one node. */
export const inHandAtOnce = 5;

/** How long a stop waits for what is in hand. */
export const stopPatienceMs = 1500;

/** Dead letters can be sent again for so long; then what was in them goes. */
export const deadKeptMs = 7 * 24 * 3_600_000;

/** Why a try failed, for the dead letter: may name the address, so it never goes into a log. */
export function describeFailure(err: unknown): string {
  return (err instanceof Error ? err.message : String(err)).slice(0, 500);
}

/** Why a try failed, for the log: words and numbers of the protocol only. */
export function nameFailure(err: unknown): string {
  const { code, responseCode, name } = (err ?? {}) as { code?: unknown; responseCode?: unknown; name?: unknown };
  return [code ?? name ?? "error", responseCode].filter(Boolean).join(" ");
}

/** What `promise` gives, or an error after so many milliseconds. */
export async function within<T>(ms: number, promise: Promise<T>, otherwise: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>(
    (_resolve, reject) => (timer = setTimeout(() => reject(Object.assign(new Error(otherwise), { code: "TIMEOUT" })), ms)),
  );
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
