import type { Language, MailJob } from "@confab/contracts";
import * as account from "./account.ts";
import * as codes from "./code.ts";
import type { Content } from "./template.ts";
import * as unread from "./unread.ts";

/** What a mail says besides its data. */
export interface Context {
  /** Who it comes from, as in MAIL_FROM. */
  from: string;
  language: Language;
  /** Where people find Confab. */
  publicUrl: string;
  /** Where whoever gets the mail can end mails of its kind. */
  unsubscribeUrl?: string;
}

type Templates = { [T in MailJob["template"]]: (data: Extract<MailJob, { template: T }>["data"]) => Content };

const templates: Templates = {
  code: codes.code,
  "register-code": codes.registerCode,
  "reset-code": codes.resetCode,
  "email-code": codes.emailCode,
  "known-address": account.knownAddress,
  "unknown-address": account.unknownAddress,
  "password-changed": account.passwordChanged,
  "email-changed": account.emailChanged,
  "totp-changed": account.totpChanged,
  "new-device": account.newDevice,
  "export-ready": account.exportReady,
  "erasure-begun": account.erasureBegun,
  invitation: unread.invitation,
  notification: unread.notification,
  digest: unread.digest,
};

export function render({ template, data }: MailJob, _context: Context): Content {
  if (!Object.hasOwn(templates, template)) throw new Error("there is no such template on this node");
  return (templates[template] as (data: MailJob["data"]) => Content)(data);
}
