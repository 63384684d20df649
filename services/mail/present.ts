import type { InboxMail, MailRecord } from "@confab/contracts";
import { isInHand } from "./findings.ts";
import type { StoredInboxMail, StoredJob } from "./store/documents.ts";

export function presentMail({ _id, to, subject, text, html, headers, at }: StoredInboxMail): InboxMail {
  return { id: _id, to, subject, text, html, headers, at: new Date(at).toISOString() };
}

/** A mail for operators: never what it says. */
export function presentRecord(job: StoredJob, now = Date.now()): MailRecord {
  const { _id, messageId, template, address, state, acceptedAt, endedAt, failures, dueAt, reason, history } = job;
  return {
    id: _id,
    messageId,
    template,
    address,
    state,
    acceptedAt: presentTime(acceptedAt),
    endedAt: endedAt === undefined ? null : presentTime(endedAt),
    tries: failures,
    nextAt: state !== "waiting" || isInHand(job, now) ? null : presentTime(dueAt!),
    reason: reason ?? null,
    history: history.map(({ at, what, answer, nextAt }) => ({
      at: presentTime(at),
      what,
      answer: answer ?? null,
      nextAt: nextAt === undefined ? null : presentTime(nextAt),
    })),
  };
}

const presentTime = (at: number) => new Date(at).toISOString();
