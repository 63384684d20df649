import type { Preferences, Result } from "@confab/contracts";
import type { StoredAddress, StoredJob } from "./store/documents.ts";
import { refusalKeptDays } from "./store/mail.store.ts";
import type { Declinable } from "./unsubscribe.ts";

/** What is known when somebody asks why an address got no mail. */
export interface Known {
  address: StoredAddress | null;
  declined: readonly Declinable[];
  /** Whose address it is; null where it is nobody's, undefined where that could not be asked. */
  account?: Account | null | undefined;
  /** To this address, the newest first. */
  jobs: readonly StoredJob[];
  /** How long the oldest mail to anybody waits, in seconds. */
  oldestSeconds: number;
  now: number;
}

export interface Account extends NonNullable<Result<"user.recipient.find">["user"]> {
  preferences: Preferences;
  /** When it is looked at next whether to mail them about something unread; undefined where there is nothing. */
  lookAt?: number | undefined;
}

/** Mails that wait for longer are not merely on their way. */
const standsAfterSeconds = 300;

/** Why, in plain words, the likeliest reason first. */
export function findingsOf({ address, declined, account, jobs, oldestSeconds, now }: Known): string[] {
  const newest = (["dead", "waiting", "sent"] as const)
    .map((state) => jobs.filter((job) => job.state === state))
    .filter((found) => found.length > 0)
    // What became of the latest mail is likeliest what is asked about.
    .sort(([one], [other]) => (one!._id < other!._id ? 1 : -1));
  const stands = oldestSeconds > standsAfterSeconds && jobs.some(({ state }) => state === "waiting");
  return [
    ...(address ? [tellRefusal(address)] : []),
    ...(stands
      ? [`The queue stands: its oldest mail waits for ${tellSeconds(oldestSeconds)}. Look at the mail server and the log.`]
      : []),
    ...newest.map((found) => tell(found[0]!, found.length, now)),
    ...declined.map(() => "Whoever reads there has ended invitations to this address by the link in one."),
    ...tellAccount(account),
    ...(jobs.length === 0 ? ["No mail to this address was asked for in the last 30 days."] : []),
  ];
}

const tellRefusal = ({ refusedAt, answer }: StoredAddress) =>
  `The mail server refused the address at ${time(refusedAt)} with ${quote(answer)}. Notifications, digests and invitations are not ` +
  `sent there until another mail gets through, the refusal is forgiven, or it is ${refusalKeptDays} days old.`;

/** What keeps mails about messages from being asked for. */
function tellAccount(account: Account | null | undefined): string[] {
  if (account === undefined) return [];
  if (account === null) return ["No account has this address, so only codes and invitations go there."];
  const { isProved, isOpen, preferences, lookAt } = account;
  const { notifications, digest, quietHours, timeZone } = preferences;
  return [
    ...(isOpen ? [] : ["The account is banned, or is to be erased: nothing about messages is mailed."]),
    ...(isProved ? [] : ["The address was given by the host and never proved: nothing about messages is mailed there."]),
    ...(notifications ? [] : ["The account has switched mails about mentions and direct messages off."]),
    ...(digest === "never" ? ["The account has switched digests off."] : []),
    ...(lookAt === undefined ? [] : [`Something may be unread still: whether to mail it is decided at ${time(lookAt)}.`]),
    ...(quietHours
      ? [`Mails about messages wait while it is quiet, from ${quietHours.from} to ${quietHours.to} (${timeZone ?? "UTC"}).`]
      : []),
  ];
}

const sentences: Record<StoredJob["state"], (job: StoredJob, which: string, now: number) => string> = {
  dead: (job, which) =>
    `${which} was given up at ${time(job.endedAt ?? job.acceptedAt)}, after ${tries(job)}: ${quote(job.reason ?? "")}. ` +
    `${job.job ? "It can be replayed." : "What it said is no longer kept, so it cannot be replayed."}`,
  waiting: (job, which, now) => {
    const since = `${which} waits since ${time(waitingSince(job))}`;
    const why = job.failures === 0 ? "" : `, after ${tries(job)}, the last for ${quote(job.reason ?? "")}`;
    if (isInHand(job, now)) return `${since}${why}; it is being handed to the mail server now.`;
    if (job.dueAt! <= now) return `${since}${why}; it is due, and no worker has come to it yet.`;
    return `${since}${why}; the next try is at ${time(job.dueAt!)}.`;
  },
  sent: (job, which) => {
    const answer = job.history.findLast(({ what }) => what === "sent")?.answer;
    return (
      `${which} was taken by the mail server at ${time(job.endedAt ?? job.acceptedAt)}` +
      `${answer ? `, which answered ${quote(answer)}` : ""}. Look in the spam folder, or ask whoever runs that server what ` +
      `became of Message-ID ${job.messageId}.`
    );
  },
};

function tell(job: StoredJob, count: number, now: number): string {
  const which = `The latest ${count === 1 ? `${job.state} mail` : `of ${count} ${job.state} mails`} (${job.template})`;
  return sentences[job.state](job, which, now);
}

/** Whether a worker tries it now; one that died has a lease that is over. */
export const isInHand = ({ state, worker, dueAt }: StoredJob, now: number) =>
  state === "waiting" && worker !== undefined && dueAt! > now;

/** Since when a mail has been on its way: a replayed one since then. */
export const waitingSince = ({ history, acceptedAt }: Pick<StoredJob, "history" | "acceptedAt">) =>
  history.findLast(({ what }) => what === "replayed")?.at ?? acceptedAt;

const tries = ({ failures }: StoredJob) => `${failures} failed ${failures === 1 ? "try" : "tries"}`;
const time = (at: number) => `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
const quote = (answer: string) => `“${answer}”`;
const tellSeconds = (seconds: number) =>
  seconds < 7200 ? `${Math.floor(seconds / 60)} minutes` : `${Math.floor(seconds / 3600)} hours`;
