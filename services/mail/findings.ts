import type { StoredAddress, StoredJob } from "./store/documents.ts";
import type { Declinable } from "./unsubscribe.ts";

/** What is known when somebody asks why an address got no mail. */
export interface Known {
  address: StoredAddress | null;
  declined: readonly Declinable[];
  /** To this address, the newest first. */
  jobs: readonly StoredJob[];
  /** How long the oldest mail to anybody waits, in seconds. */
  oldestSeconds: number;
  now: number;
}

/** Mails that wait for longer are not merely on their way. */
const standsAfterSeconds = 300;

/** Why, in plain words, the likeliest reason first. */
export function findingsOf({ address, declined, jobs, oldestSeconds, now }: Known): string[] {
  const newest = (["dead", "waiting", "sent"] as const)
    .map((state) => jobs.filter((job) => job.state === state))
    .filter((found) => found.length > 0)
    // What became of the latest mail is likeliest what is asked about.
    .sort(([one], [other]) => (one!._id < other!._id ? 1 : -1));
  const stands = oldestSeconds > standsAfterSeconds && jobs.some(({ state }) => state === "waiting");
  return [
    ...(address?.refusedAt === undefined ? [] : [tellRefusal(address.refusedAt, address.answer)]),
    ...(stands
      ? [`The queue stands: its oldest mail waits for ${tellSeconds(oldestSeconds)}. Look at the mail server and the log.`]
      : []),
    ...newest.map(([job, ...others]) => tell(job!, others.length, now)),
    ...declined.map(() => "Whoever reads there has ended invitations to this address by the link in one."),
    ...(jobs.length === 0 ? ["No mail to this address was asked for in the last 30 days."] : []),
  ];
}

const tellRefusal = (at: number, answer = "") =>
  `The mail server refused the address at ${time(at)} with ${quote(answer)}. Notifications, digests and invitations are not ` +
  "sent there until another mail gets through or the refusal is forgiven.";

function tell(job: StoredJob, others: number, now: number): string {
  const more = others === 0 ? "" : ` ${others} more before it ${others === 1 ? "is" : "are"} so too.`;
  return `${sentences[job.state](job, now)}${more}`;
}

const sentences: Record<StoredJob["state"], (job: StoredJob, now: number) => string> = {
  dead: (job) =>
    `The latest dead mail (${job.template}) was given up at ${time(job.endedAt ?? job.acceptedAt)}, after ${tries(job)}: ` +
    `${quote(job.reason ?? "")}. ${job.job ? "It can be replayed." : "What it said is no longer kept, so it cannot be replayed."}`,
  waiting: (job, now) => {
    const since = `The latest waiting mail (${job.template}) waits since ${time(waitingSince(job))}`;
    const why = job.failures === 0 ? "" : `, after ${tries(job)}, the last for ${quote(job.reason ?? "")}`;
    if (isInHand(job, now)) return `${since}${why}; it is being handed to the mail server now.`;
    if (job.dueAt <= now) return `${since}${why}; it is due, and no worker has come to it yet.`;
    return `${since}${why}; the next try is at ${time(job.dueAt)}.`;
  },
  sent: (job) => {
    const answer = job.history?.findLast(({ what }) => what === "sent")?.answer;
    return (
      `The latest sent mail (${job.template}) was taken by the mail server at ${time(job.endedAt ?? job.acceptedAt)}` +
      `${answer ? `, which answered ${quote(answer)}` : ""}. Look in the spam folder, or ask whoever runs that server what ` +
      `became of Message-ID ${job.messageId}.`
    );
  },
};

/** Whether a worker tries it now; one that died has a lease that is over. */
export const isInHand = ({ state, worker, dueAt }: StoredJob, now: number) =>
  state === "waiting" && worker !== undefined && dueAt > now;

/** Since when a mail has been on its way: a replayed one since then. */
export const waitingSince = ({ history = [], acceptedAt }: Pick<StoredJob, "history" | "acceptedAt">) =>
  history.findLast(({ what }) => what === "replayed")?.at ?? acceptedAt;

const tries = ({ failures }: StoredJob) => `${failures} failed ${failures === 1 ? "try" : "tries"}`;
const time = (at: number) => `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
const quote = (answer: string) => `“${answer}”`;
const tellSeconds = (seconds: number) =>
  seconds < 7200 ? `${Math.floor(seconds / 60)} minutes` : `${Math.floor(seconds / 3600)} hours`;
