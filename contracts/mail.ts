import { Type, type Static } from "@sinclair/typebox";
import { action } from "./define.ts";
import { Email, Id, Time, object, pageOf } from "./shapes.ts";

export const MailJob = object({
  template: Type.Literal("code"),
  to: Email,
  data: object({ code: Type.String(), minutes: Type.Integer() }),
});
export type MailJob = Static<typeof MailJob>;

/** A mail as it left, kept by the dev inbox. */
export const InboxMail = object({
  id: Id,
  to: Type.String(),
  subject: Type.String(),
  text: Type.String(),
  html: Type.String(),
  headers: Type.Record(Type.String(), Type.String()),
  at: Time,
});
export type InboxMail = Static<typeof InboxMail>;

export const mailActions = {
  "mail.job.accept": action({
    summary: "Take a mail into the durable queue; answered once it can no longer be lost (G5)",
    audience: "service",
    params: MailJob,
    returns: object({ jobId: Id }),
  }),
  "mail.inbox.list": action({
    summary: "The mails that the dev inbox holds, newest first; never in production",
    audience: "service",
    params: object({ to: Type.Optional(Type.String({ maxLength: 254 })) }),
    returns: pageOf(InboxMail),
    problems: ["not_found"],
    repeatable: true,
  }),
};
