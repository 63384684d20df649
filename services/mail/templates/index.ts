import type { Language, MailJob } from "@confab/contracts";
import { readMailbox } from "../mailbox.ts";
import * as account from "./account.ts";
import * as codes from "./codes.ts";
import { renderHtml } from "./html.ts";
import { link, type Content, type Letter } from "./letter.ts";
import { name } from "./plain.ts";
import type { Setting, Template } from "./template.ts";
import { renderText } from "./text.ts";
import * as unread from "./unread.ts";
import { words } from "./words/words.ts";

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

const templates: { [T in MailJob["template"]]: Template<T> } = {
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

/** Text and HTML of one mail, from one source. */
export function render({ template, data }: MailJob, { from, language, publicUrl, unsubscribeUrl }: Context): Content {
  if (!Object.hasOwn(templates, template)) throw new Error("there is no such template on this node");
  // A node of the version after this one may know more languages.
  const spoken = Object.hasOwn(words, language) ? language : "en";
  const setting: Setting = { words: words[spoken], publicUrl, unsubscribeUrl };
  const letter = (templates[template] as (data: MailJob["data"], setting: Setting) => Letter)(data, setting);
  const sender = name(readMailbox(from)!.name, new URL(publicUrl).host);
  letter.foot.push(link(words[spoken].sentBy(sender), publicUrl));
  return { subject: letter.subject, text: renderText(letter), html: renderHtml(letter, spoken, sender) };
}
