import { Type, type Static, type TProperties } from "@sinclair/typebox";
import { action } from "./define.ts";
import { Email, Empty, ExportPage, ExportedPage, Id, Time, object, pageOf } from "./shapes.ts";

const job = <const N extends string, const D extends TProperties>(template: N, data: D) =>
  object({ template: Type.Literal(template), to: Email, data: object(data) });
const Code = { code: Type.String(), minutes: Type.Integer() };
/** What happened to an account, told to its owner: when, by which device and from where. */
const Happened = { at: Time, device: Type.String(), address: Type.String() };

/** A mail to be sent: which one, to whom, and what is filled in. */
export const MailJob = Type.Union([
  job("code", Code),
  job("register-code", Code),
  job("reset-code", Code),
  job("email-code", Code),
  /** Somebody wanted to register, or to take, an address that has an account. */
  job("known-address", {}),
  /** Somebody wanted a new password for an address that has no account. */
  job("unknown-address", {}),
  job("password-changed", Happened),
  /** To the old address. */
  job("email-changed", { ...Happened, newEmail: Email }),
  job("totp-changed", { ...Happened, on: Type.Boolean() }),
  job("new-device", Happened),
  job("export-ready", { url: Type.String(), days: Type.Integer() }),
  job("erasure-begun", { eraseAt: Time }),
]);
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
    // Which data goes with which template is MailJob's to say.
    params: object({ template: Type.String(), to: Email, data: Type.Record(Type.String(), Type.Unknown()) }),
    returns: object({ jobId: Id }),
  }),
  "mail.person.export": action({
    summary: "What mail holds of a user's address, page by page",
    audience: "service",
    params: object({ ...ExportPage, emails: Type.Array(Email) }),
    returns: ExportedPage,
    repeatable: true,
  }),
  "mail.person.erase": action({
    summary: "Erase what mail holds of these addresses, waiting mails among it",
    audience: "service",
    params: object({ emails: Type.Array(Email) }),
    returns: Empty,
    repeatable: true,
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
