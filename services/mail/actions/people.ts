import { define } from "@confab/mixins/define.ts";
import { badField } from "@confab/mixins/problem.ts";
import { presentMail } from "../present.ts";
import type { MailService } from "../service.ts";
import type { StoredJob } from "../store/documents.ts";

const mailsAtOnce = 50;

/** What the user service asks about somebody's mails. */
export const people = {
  ...define("mail.person.export", async function (this: MailService, ctx) {
    const emails = ctx.params.emails.map((email) => email.toLowerCase());
    const { at, after } = readCursor(ctx.params.cursor ?? "0:");
    const address = emails[at];
    if (address === undefined) return { records: [], cursor: null };
    const jobs = after === "" ? await this.store.jobsFor(address) : [];
    const mails = await this.store.mailsAfter(address, after, mailsAtOnce);
    const records = [...jobs.map(presentJob), ...mails.map(presentMail)];
    const isEnd = mails.length < mailsAtOnce;
    return {
      records: records.map((record) => ({ file: "mails", record })),
      cursor: isEnd ? (at + 1 < emails.length ? `${at + 1}:` : null) : `${at}:${mails.at(-1)!._id}`,
    };
  }),
};

/** A mail that is on its way: without what is filled in, which may be a code that is good still. */
const presentJob = ({ _id, state, template, job, acceptedAt }: StoredJob) => ({
  id: _id,
  state,
  template,
  to: job?.to,
  at: new Date(acceptedAt).toISOString(),
});

/** Which address, and after which mail. */
function readCursor(cursor: string): { at: number; after: string } {
  const [, at, after] = /^(\d{1,6}):([0-9a-f-]*)$/.exec(cursor) ?? [];
  if (at === undefined || after === undefined) throw badField("cursor", "cursor", "is not one that this list gave out");
  return { at: Number(at), after };
}
