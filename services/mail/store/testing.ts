import type { Job } from "../job.ts";
import type { MailStore } from "./mail.store.ts";

/** Stores a job as a worker leaves it whose only try was refused for good. A running worker does not find it due meanwhile. */
export async function addDead(store: MailStore, job: Job, reason: string, endedAt: number): Promise<void> {
  const never = Number.MAX_SAFE_INTEGER;
  await store.addJob(job, never);
  await store.endDead((await store.takeJob(job.id, "test", never, 0))!, reason, endedAt, 1);
}
