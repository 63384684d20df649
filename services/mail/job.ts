import { domainToASCII } from "node:url";
import { MailJob, type Language, type MailTemplate } from "@confab/contracts";
import { problem } from "@confab/mixins/problem.ts";
import { compileSchema } from "@confab/mixins/validator.ts";
import { v7 as uuid } from "uuid";
import { readMailbox } from "./mailbox.ts";

/** A mail that is to be sent, as it lies in the queue. */
export type Job = MailJob & {
  id: string;
  /** G5: made once, at acceptance; every copy that can ever leave carries it. */
  messageId: string;
  /** Left out: the one of the settings. */
  language?: Language;
  /** Milliseconds since 1970. */
  acceptedAt: number;
};

const faultsOf = compileSchema(MailJob);
const known = new Set<string>(MailJob.anyOf.map(({ properties }) => properties.template.const));
const optional = new Set<string>(["notification", "digest", "invitation"] satisfies MailTemplate[]);

export const isKnown = ({ template }: Pick<Job, "template">) => known.has(template);

/** Whether nobody waits for it: it is not sent where mails are refused. */
export const isOptional = ({ template }: Pick<Job, "template">) => optional.has(template);

/** The mail that is asked for; throws where its data is not what its template fills in. */
export function readMailJob(given: { template: string; to: string; data: Record<string, unknown> }): MailJob {
  const errors = faultsOf(given);
  if (errors.length > 0) throw problem("bad_input", { errors });
  return given as MailJob;
}

/** `given`: what whoever asks for it has fixed already. */
export function makeJob({ template, to, data }: MailJob, from: string, given: { id?: string; language?: Language } = {}): Job {
  const { id = uuid(), language } = given;
  return {
    id,
    messageId: messageIdOf(id, from),
    acceptedAt: Date.now(),
    template,
    to,
    data,
    ...(language ? { language } : {}),
  } as Job;
}

/** In ASCII, whatever the sender's domain is: a Message-ID has no other form that every mail server takes. */
export const messageIdOf = (id: string, from: string) => `<${id}@${domainToASCII(readMailbox(from)!.address.split("@")[1]!)}>`;
