import { Type, type Static, type TProperties } from "@sinclair/typebox";
import { action } from "./define.ts";
import { Email, Empty, ExportPage, ExportedPage, Id, Language, Seq, Time, nullable, object, pageOf } from "./shapes.ts";

const job = <const N extends string, const D extends TProperties>(template: N, data: D) =>
  object({ template: Type.Literal(template), to: Email, data: object(data) });
const Code = { code: Type.String(), minutes: Type.Integer() };
/** What happened to an account, told to its owner: when, by which device and from where. */
const Happened = { at: Time, device: Type.String(), address: Type.String() };
/** Unread messages, chat by chat. */
const Unread = {
  userId: Id,
  name: Type.String({ description: "Whose mail it is." }),
  chats: Type.Array(
    object({
      chatId: Id,
      title: Type.String({ description: "Of a group, or the other person's name." }),
      isDirect: Type.Boolean(),
      count: Type.Integer(),
      /** What is told: after `fromSeq`, up to `toSeq`. */
      fromSeq: Seq,
      toSeq: Seq,
      messages: Type.Array(object({ name: Type.String(), text: Type.String(), at: Time, isMention: Type.Boolean() })),
    }),
    { minItems: 1 },
  ),
  /** Chats beyond those. */
  more: Type.Integer(),
  url: Type.String(),
  timeZone: Type.Optional(Type.String({ description: "The reader's; UTC where left out." })),
};

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
  /** Somebody asks an address into a group. */
  job("invitation", { by: Type.String(), title: Type.String(), url: Type.String() }),
  /** A mention or a direct message, to somebody away. */
  job("notification", Unread),
  job("digest", Unread),
]);
export type MailJob = Static<typeof MailJob>;
export type MailTemplate = MailJob["template"];

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

const JobState = Type.Union([Type.Literal("waiting"), Type.Literal("sent"), Type.Literal("dead")]);

/** One step in the life of a mail. */
const Step = object({
  at: Time,
  what: Type.Union([
    Type.Literal("accepted"),
    Type.Literal("refused"),
    Type.Literal("sent"),
    Type.Literal("dead"),
    Type.Literal("replayed"),
  ]),
  answer: nullable(Type.String({ description: "What the mail server said, or what went wrong." })),
  nextAt: nullable(Type.String({ format: "date-time", description: "When it is tried again." })),
});

/** A mail as operators see it: never what it says. */
export const MailRecord = object({
  id: Id,
  messageId: Type.String({ description: "The Message-ID header of every copy." }),
  template: Type.String(),
  address: Type.String(),
  state: JobState,
  acceptedAt: Time,
  endedAt: nullable(Time),
  tries: Type.Integer({ description: "Tries that failed." }),
  nextAt: nullable(Type.String({ format: "date-time", description: "When it is tried next." })),
  reason: nullable(Type.String({ description: "Why the last try failed." })),
  history: Type.Array(Step),
});
export type MailRecord = Static<typeof MailRecord>;

/** What is known of an address: why somebody got no mail. */
const AddressRecord = object({
  address: Type.String(),
  refused: nullable(object({ at: Time, answer: Type.String({ description: "The mail server's." }) })),
  unsubscribed: Type.Array(Type.String({ description: "Kinds of mail that the address itself declined." })),
  /** In plain words, the likeliest reason first. */
  findings: Type.Array(Type.String()),
  jobs: Type.Array(MailRecord, { description: "The newest first." }),
});

const Page = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 50 })),
  cursor: Type.Optional(Type.String({ maxLength: 400 })),
};
const Address = Type.String({ minLength: 3, maxLength: 254 });
const Token = Type.String({ minLength: 1, maxLength: 500 });
/** Whose mails they are is for nobody who merely has the link. */
const Declined = object({ kind: Type.Union([Type.Literal("notification"), Type.Literal("digest"), Type.Literal("invitation")]) });

export const mailActions = {
  "mail.job.accept": action({
    summary: "Take a mail into the durable queue; answered once it can no longer be lost (G5)",
    audience: "service",
    // Which data goes with which template is MailJob's to say.
    params: object({
      template: Type.String(),
      to: Email,
      data: Type.Record(Type.String(), Type.Unknown()),
      jobId: Type.Optional(Type.String({ format: "uuid", description: "Given again, it is the same mail." })),
      language: Type.Optional(Language),
    }),
    returns: object({ jobId: Id }),
    repeatable: true,
  }),
  "mail.job.explain": action({
    summary: "Why somebody did, or did not, get their mails: what became of each, and what is known of the address",
    audience: "service",
    params: object({ address: Address }),
    returns: AddressRecord,
    repeatable: true,
  }),
  "mail.job.stats": action({
    summary: "How the queue stands",
    audience: "service",
    params: object({}),
    returns: object({
      waiting: Type.Integer({ description: "10,000 where there are more." }),
      dead: Type.Integer({ description: "10,000 where there are more." }),
      oldestSeconds: Type.Integer({ description: "How long the oldest one waits." }),
    }),
    repeatable: true,
  }),
  "mail.admin.list": action({
    summary: "Mails by address and state, the newest first",
    rest: "GET /admin/mail",
    audience: "admin",
    params: object({ address: Type.Optional(Address), state: Type.Optional(JobState), ...Page }),
    returns: pageOf(MailRecord),
    repeatable: true,
  }),
  "mail.admin.dead": action({
    summary: "Mails that could not be sent, the newest first",
    rest: "GET /admin/mail/dead",
    audience: "admin",
    params: object(Page),
    returns: pageOf(MailRecord),
    repeatable: true,
  }),
  "mail.admin.explain": action({
    summary: "Why somebody did, or did not, get their mails",
    rest: "GET /admin/mail/addresses/:address",
    audience: "admin",
    params: object({ address: Address }),
    returns: AddressRecord,
    repeatable: true,
  }),
  "mail.admin.forgive": action({
    summary: "Forget that a mail server refused an address, so that notifications and digests go there again",
    rest: "DELETE /admin/mail/addresses/:address/refusal",
    audience: "admin",
    status: [204],
    params: object({ address: Address }),
    returns: Empty,
    repeatable: true,
  }),
  "mail.admin.replay": action({
    summary: "Send a dead mail after all; of many that ask at once, one does it",
    rest: "POST /admin/mail/jobs/:jobId/replay",
    audience: "admin",
    params: object({ jobId: Id }),
    returns: MailRecord,
    problems: ["mail.job_not_found", "mail.job_not_dead", "mail.job_has_no_words"],
  }),
  "mail.admin.replayDead": action({
    summary:
      "Send all dead mails after all, those of one address or template alone where it is named; up to 1,000 at a time, the newest first",
    rest: "POST /admin/mail/dead/replay",
    audience: "admin",
    params: object({ address: Type.Optional(Address), template: Type.Optional(Type.String({ maxLength: 40 })) }),
    returns: object({ replayed: Type.Integer() }),
  }),
  "mail.unsubscribe.look": action({
    summary: "What the token of an unsubscribe link ends",
    audience: "service",
    params: object({ token: Token }),
    returns: Declined,
    problems: ["not_found"],
    repeatable: true,
  }),
  "mail.unsubscribe.take": action({
    summary: "End the mails that a token names",
    audience: "service",
    params: object({ token: Token }),
    returns: Declined,
    problems: ["not_found"],
    repeatable: true,
  }),
  "mail.person.export": action({
    summary: "What mail holds of a user's address, page by page",
    audience: "service",
    params: object({ ...ExportPage, emails: Type.Array(Email) }),
    returns: ExportedPage,
    repeatable: true,
  }),
  "mail.person.erase": action({
    summary: "Erase what mail holds of a user and these addresses, waiting mails among it",
    audience: "service",
    params: object({ userId: Type.Optional(Id), emails: Type.Array(Email) }),
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
  "mail.template.preview": action({
    summary: "Every mail as it would look, filled in with samples; never in production",
    audience: "service",
    params: object({ language: Language }),
    returns: object({
      items: Type.Array(object({ template: Type.String(), subject: Type.String(), text: Type.String(), html: Type.String() })),
    }),
    problems: ["not_found"],
    repeatable: true,
  }),
};
