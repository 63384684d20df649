/** Carries jobs of the store's table to the workers of all nodes. What is true of a job is in the table alone (G5). */
export interface MailQueue {
  start(): Promise<void>;
  /** Says that a job in the table is due. Waits for nothing and never throws: what nobody hears is found in the table later. */
  wake(jobId: string): void;
  /** What this node has in hand leaves its trace first; but a mail server that stalls is waited for a moment only. */
  settle(): Promise<void>;
  /** Takes no more jobs and lets those in hand finish; but a mail server that stalls delays no stop: its job stays in the table. */
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

/** After so long without a sign of life a worker is taken for dead, and its job is another's. */
export const leaseMs = 30_000;

/** How long a stop waits for what is in hand. */
export const stopPatienceMs = 1500;

/** Dead letters can be sent again for so long; then what was in them goes. */
export const deadKeptMs = 7 * 24 * 3_600_000;

/** What a mail server answered, or why a try failed, for the table: may name the address, so it never goes into a log. */
export function describeFailure(err: unknown): string {
  const { response } = (err ?? {}) as { response?: unknown };
  return shorten(typeof response === "string" && response ? response : err instanceof Error ? err.message : String(err));
}

export const shorten = (answer: string) => answer.slice(0, 500).toWellFormed();

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
