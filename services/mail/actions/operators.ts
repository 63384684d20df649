import type { Result } from "@confab/contracts";
import { call, define, type Caller, type Meta } from "@confab/mixins/define.ts";
import { badField, problem } from "@confab/mixins/problem.ts";
import { findingsOf, type Account } from "../findings.ts";
import { presentRecord } from "../present.ts";
import { oldestSecondsOf, standingOf } from "../metrics.ts";
import type { MailService } from "../service.ts";
import type { StoredJob } from "../store/documents.ts";
import type { Wanted } from "../store/operator.store.ts";
import { declinedBy } from "../unsubscribe.ts";

/* Looking is an act too, and goes into the audit log; that log outlives mails, so an address is not written there. */

const jobsExplained = 50;
/** More would keep whoever asks waiting for too long. */
const replayedAtOnce = 1000;
const replayedTogether = 50;

export const operators = {
  ...define("mail.job.explain", async function (this: MailService, ctx) {
    return explain(this, ctx.params.address);
  }),

  ...define("mail.job.stats", async function (this: MailService) {
    return standingOf(this.operators, Date.now());
  }),

  ...define("mail.admin.list", async function (this: MailService, ctx) {
    const { address, state } = ctx.params;
    const about = address === undefined ? {} : await whose(this, address);
    return list(this, ctx, {
      name: "mail.admin.list",
      wanted: wantedOf({ address, state }),
      about: { ...about, ...(state ? { state } : {}) },
    });
  }),

  ...define("mail.admin.dead", async function (this: MailService, ctx) {
    return list(this, ctx, { name: "mail.admin.dead", wanted: { state: "dead" }, about: {} });
  }),

  ...define("mail.admin.explain", async function (this: MailService, ctx) {
    const { address } = ctx.params;
    await noteAct(this, ctx.meta, { action: "mail.admin.explain", details: await whose(this, address) });
    return explain(this, address);
  }),

  ...define("mail.admin.forgive", async function (this: MailService, ctx) {
    const { address } = ctx.params;
    await noteAct(this, ctx.meta, { action: "mail.admin.forgive", details: await whose(this, address) });
    await this.operators.forgive(address.toLowerCase());
    return null;
  }),

  ...define("mail.admin.replay", async function (this: MailService, ctx) {
    const { jobId } = ctx.params;
    requireReplayable(await this.operators.jobById(jobId));
    await noteAct(this, ctx.meta, { action: "mail.admin.replay", target: jobId });
    // G5: of many at once, on whatever nodes, one gets it.
    const replayed = await this.operators.replay(jobId, Date.now());
    // Somebody else was first.
    if (!replayed) throw problem("mail.job_not_dead");
    this.queue.wake(jobId);
    return presentRecord(replayed);
  }),

  ...define("mail.admin.replayDead", async function (this: MailService, ctx) {
    const { address, template } = ctx.params;
    const about = address === undefined ? {} : await whose(this, address);
    const details = { ...about, ...(template === undefined ? {} : { template }) };
    await noteAct(this, ctx.meta, { action: "mail.admin.replayDead", details });
    return { replayed: await replayDead(this, wantedOf({ address, template })) };
  }),
};

interface Listing {
  name: "mail.admin.list" | "mail.admin.dead";
  wanted: Wanted;
  about: Record<string, unknown>;
}

async function list(service: MailService, ctx: Caller<Listing["name"]>, { name, wanted, about }: Listing) {
  const { limit = 50, cursor } = ctx.params;
  const found = await service.operators.jobsBefore(wanted, limit, cursor === undefined ? undefined : readPlace(cursor));
  await noteAct(service, ctx.meta, { action: name, details: { found: found.length, ...about } });
  return { items: found.map((job) => presentRecord(job)), nextCursor: writePlace(found, limit) };
}

async function explain(service: MailService, given: string): Promise<Result<"mail.admin.explain">> {
  const { operators } = service;
  const now = Date.now();
  const address = given.toLowerCase();
  const known = await operators.addressOf(address);
  const jobs = await operators.jobsBefore({ address }, jobsExplained);
  const declined = await declinedBy(service, address);
  const oldestSeconds = await oldestSecondsOf(operators, now);
  const account = await accountOf(service, address);
  return {
    address,
    refused: known && { at: new Date(known.refusedAt).toISOString(), answer: known.answer },
    unsubscribed: declined,
    findings: findingsOf({ address: known, declined, account, jobs, oldestSeconds, now }),
    jobs: jobs.map((job) => presentRecord(job, now)),
  };
}

/** Undefined where whoever knows is away, as when mail runs alone: what mail itself knows is told in any case. */
async function accountOf({ broker, logger, digests }: MailService, email: string): Promise<Account | null | undefined> {
  const patience = { timeout: 2000, retries: 0 };
  try {
    const { user } = await call(broker, "user.recipient.find", { email }, patience);
    if (!user) return null;
    const preferences = await call(broker, "chat.preference.get", {}, { ...patience, meta: { userId: user.userId } });
    return { ...user, preferences, lookAt: (await digests.pendingOf(user.userId))?.dueAt };
  } catch (err) {
    logger.debug("Could not ask whose address that is:", (err as Error).message);
    return undefined;
  }
}

/** One after another, each by the rule of a single one: whoever asks for the same at the same time gets others, or none. */
async function replayDead({ operators, queue }: MailService, wanted: Wanted): Promise<number> {
  let replayed = 0;
  let before: string | undefined;
  while (replayed < replayedAtOnce) {
    const found = await operators.replayableBefore(wanted, replayedTogether, before);
    const done = await Promise.all(found.map(({ _id }) => operators.replay(_id, Date.now())));
    for (const job of done) if (job) queue.wake(job._id);
    replayed += done.filter(Boolean).length;
    if (found.length < replayedTogether) break;
    // Never back to one that has failed again meanwhile.
    before = found.at(-1)!._id;
  }
  return replayed;
}

function requireReplayable(job: StoredJob | null): void {
  if (!job) throw problem("mail.job_not_found");
  if (job.state !== "dead") throw problem("mail.job_not_dead");
  if (!job.job) throw problem("mail.job_has_no_words");
}

/** Undefined is whatever. */
function wantedOf({ address, state, template }: { [K in keyof Wanted]: Wanted[K] | undefined }): Wanted {
  return {
    ...(address === undefined ? {} : { address: address.toLowerCase() }),
    ...(state === undefined ? {} : { state }),
    ...(template === undefined ? {} : { template }),
  };
}

/** Whom an address leads to, as far as its mails tell, in place of the address. */
async function whose({ operators }: MailService, address: string): Promise<{ id?: string; job?: string }> {
  const jobs = await operators.jobsBefore({ address: address.toLowerCase() }, jobsExplained);
  const userId = jobs.find((job) => job.userId !== undefined)?.userId;
  return { ...(userId === undefined ? {} : { id: userId }), ...(jobs[0] ? { job: jobs[0]._id } : {}) };
}

/** Before the act is done: nothing is done that is not told of. */
async function noteAct(
  { broker }: MailService,
  meta: Meta & { userId: string },
  { action, target = null, details = {} }: { action: string; target?: string | null; details?: Record<string, unknown> },
): Promise<void> {
  await call(broker, "user.audit.note", { by: meta.userId, action, target, address: meta.address ?? "", details });
}

/** Where a list goes on, the newest first. */
const writePlace = (found: readonly StoredJob[], limit: number): string | null =>
  found.length < limit ? null : Buffer.from(found.at(-1)!._id).toString("base64url");

function readPlace(cursor: string): string {
  const id = Buffer.from(cursor, "base64url").toString();
  if (!/^[0-9a-f-]{36}$/.test(id)) throw badField("cursor", "cursor", "is not one that this list gave out");
  return id;
}
