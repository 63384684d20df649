import { define } from "@confab/mixins/define.ts";
import { badField } from "@confab/mixins/problem.ts";
import { exportTold } from "../digest/exporting.ts";
import { presentMail } from "../present.ts";
import type { MailService } from "../service.ts";
import type { StoredJob } from "../store/documents.ts";
import { declinedBy } from "../unsubscribe.ts";

const mailsAtOnce = 50;

/** What the user service asks about somebody's mails. */
export const people = {
  ...define("mail.person.export", async function (this: MailService, ctx) {
    const emails = ctx.params.emails.map((email) => email.toLowerCase());
    const { at, after } = readCursor(ctx.params.cursor ?? "0:");
    const told = ctx.params.cursor === undefined ? await exportTold(this.digests, ctx.params.userId) : [];
    const address = emails[at];
    if (address === undefined) return { records: told, cursor: null };
    const known = after === "" ? await knownOf(this, address) : [];
    const jobs = (await this.store.jobsAfter(address, after, mailsAtOnce)).map(presentJob);
    const mails = (await this.store.mailsAfter(address, after, mailsAtOnce)).map(presentMail);
    // A mail that the inbox kept has the id of its job, so that both are walked together.
    const all = [...jobs, ...mails];
    const ids = [...new Set(all.map(({ id }) => id))].toSorted();
    const isEnd = jobs.length < mailsAtOnce && mails.length < mailsAtOnce;
    const last = ids[mailsAtOnce - 1]!;
    return {
      records: [...told, ...known, ...all.filter(({ id }) => isEnd || id <= last).map((record) => ({ file: "mails", record }))],
      cursor: isEnd ? (at + 1 < emails.length ? `${at + 1}:` : null) : `${at}:${last}`,
    };
  }),
};

/** That a mail server takes nothing for an address, and what whoever reads there has ended. */
async function knownOf(service: MailService, address: string) {
  const { refusedAt, answer } = (await service.operators.addressOf(address)) ?? {};
  const declined = await declinedBy(service, address);
  if (refusedAt === undefined && declined.length === 0) return [];
  const refused = refusedAt === undefined ? {} : { refused: { at: timeOf(refusedAt), answer } };
  return [{ file: "mails", record: { address, ...refused, declined } }];
}

/** What became of a mail, without what was filled in, which may be a code that is good still. */
const presentJob = ({ _id, state, template, address, acceptedAt, history }: StoredJob) => ({
  id: _id,
  state,
  template,
  to: address,
  at: timeOf(acceptedAt),
  history: history.map(({ at, what, answer, nextAt }) => ({
    ...{ at: timeOf(at), what },
    ...(answer === undefined ? {} : { answer }),
    ...(nextAt === undefined ? {} : { nextAt: timeOf(nextAt) }),
  })),
});

const timeOf = (at: number) => new Date(at).toISOString();

/** Which address, and after which mail. */
function readCursor(cursor: string): { at: number; after: string } {
  const [, at, after] = /^(\d{1,6}):([0-9a-f-]*)$/.exec(cursor) ?? [];
  if (at === undefined || after === undefined) throw badField("cursor", "cursor", "is not one that this list gave out");
  return { at: Number(at), after };
}
