import { v7 as uuid } from "uuid";
import { findingsOf, type Account, type Known } from "./findings.ts";
import type { StoredJob } from "./store/documents.ts";

const now = Date.UTC(2026, 10, 24, 12);
const minute = 60_000;
const job = (state: StoredJob["state"], agoMinutes: number, more: Partial<StoredJob> = {}): StoredJob => {
  const at = now - agoMinutes * minute;
  return {
    ...{ _id: uuid({ msecs: at }), state, template: "digest", messageId: "<id@example.org>", failures: 0, dueAt: now + minute },
    ...{ address: "ann@example.org", history: [] },
    ...{ acceptedAt: at, ...(state === "waiting" ? {} : { endedAt: at + minute }), ...more },
  };
};
const find = (known: Partial<Known>) =>
  findingsOf({ address: null, declined: [], jobs: [], oldestSeconds: 0, now, ...known }).map((finding) =>
    finding.replaceAll("2026-11-24 ", ""),
  );

const refused = { _id: "ann@example.org", refusedAt: now - minute, answer: "550 no such user" };
const wants: Account["preferences"] = {
  ...{ readReceipts: true, presence: true, findable: true, notifications: true, digest: "hourly", quietHours: null },
  ...{ timeZone: "Europe/Berlin", language: null },
};
const account: Account = { userId: "ann", isProved: true, isOpen: true, preferences: wants };
const sent = job("sent", 30, { history: [{ at: now, what: "sent", answer: "250 queued as 7" }] });
const dead = job("dead", 20, { failures: 8, reason: "454 try later", job: {} as never });

test.each<[string, Partial<Known>, (string | RegExp)[]]>([
  ["nothing is known", {}, ["No mail to this address was asked for in the last 30 days."]],
  [
    "the address was refused",
    { address: refused, jobs: [dead] },
    [
      /^The mail server refused the address at 11:59:00 UTC with “550 no such user”\. .* until .* forgiven, or it is 90 days old\.$/,
      /^The latest dead/,
    ],
  ],
  ["the refusal was forgiven", { address: null, jobs: [sent] }, [/^The latest sent/]],
  [
    "it was sent",
    { jobs: [sent] },
    [
      /^The latest sent mail \(digest\) was taken by the mail server at 11:31:00 UTC, which answered “250 queued as 7”\. Look in the spam folder, .* Message-ID <id@example\.org>\.$/,
    ],
  ],
  [
    "it is dead",
    { jobs: [dead, job("dead", 21), job("dead", 22)] },
    [
      "The latest of 3 dead mails (digest) was given up at 11:41:00 UTC, after 8 failed tries: “454 try later”. It can be replayed.",
    ],
  ],
  [
    "its words are gone",
    { jobs: [job("dead", 1, { failures: 1, reason: "no" })] },
    [/after 1 failed try: “no”\. .* cannot be replayed\.$/],
  ],
  [
    "it is tried again",
    { jobs: [job("waiting", 2, { failures: 1, reason: "421 busy" })] },
    [
      "The latest waiting mail (digest) waits since 11:58:00 UTC, after 1 failed try, the last for “421 busy”; the next try is at 12:01:00 UTC.",
    ],
  ],
  ["a worker has it", { jobs: [job("waiting", 2, { worker: "one" })] }, [/being handed to the mail server now\.$/]],
  ["the worker died", { jobs: [job("waiting", 2, { worker: "one", dueAt: now - 1 })] }, [/no worker has come to it yet\.$/]],
  [
    "it was replayed",
    { jobs: [job("waiting", 600, { history: [{ at: now - minute, what: "replayed" }] })] },
    [/^The latest waiting mail \(digest\) waits since 11:59:00 UTC/],
  ],
  [
    "nothing goes out at all",
    { jobs: [job("waiting", 9)], oldestSeconds: 1260 },
    [/its oldest mail waits for 21 minutes/, /^The latest waiting/],
  ],
  ["others wait, which is not why", { jobs: [sent], oldestSeconds: 1260 }, [/^The latest sent/]],
  ["the latest fares otherwise than those before", { jobs: [dead, sent] }, [/^The latest dead/, /^The latest sent/]],
  ["and the other way round", { jobs: [job("sent", 1), dead] }, [/^The latest sent/, /^The latest dead/]],
  ["the address is nobody's", { account: null }, [/^No account has this address/, /^No mail to this address/]],
  [
    "something is to be told soon",
    { account: { ...account, lookAt: now + minute }, jobs: [sent] },
    [/^The latest sent/, "Something may be unread still: whether to mail it is decided at 12:01:00 UTC."],
  ],
  ["all is well with the account", { account, jobs: [sent] }, [/^The latest sent/]],
  [
    "the account wants none",
    { account: { ...account, preferences: { ...wants, notifications: false, digest: "never" } }, jobs: [] },
    [
      /^The account has switched mails about mentions and direct messages off\.$/,
      /^The account has switched digests off\.$/,
      /^No mail/,
    ],
  ],
  [
    "the account is closed, its address unproved, and it is quiet",
    {
      account: {
        ...account,
        isOpen: false,
        isProved: false,
        preferences: { ...wants, quietHours: { from: "22:00", to: "07:00" } },
      },
      jobs: [sent],
    },
    [
      /^The latest sent/,
      /banned, or is to be erased/,
      /never proved/,
      "Mails about messages wait while it is quiet, from 22:00 to 07:00 (Europe/Berlin).",
    ],
  ],
  [
    "invitations were declined",
    { declined: ["invitation"], jobs: [sent] },
    [/^The latest sent/, /^Whoever reads there has ended invitations/],
  ],
])("where %s", (_what, known, expected) => {
  const found = find(known);
  expect(found).toHaveLength(expected.length);
  for (const [at, one] of expected.entries())
    if (typeof one === "string") expect(found[at]).toBe(one);
    else expect(found[at]).toMatch(one);
});
