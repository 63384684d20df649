import type { MailJob, MailTemplate } from "@confab/contracts";
import type { Letter } from "./letter.ts";
import type { Words } from "./words/words.ts";

export type DataOf<T extends MailTemplate> = Extract<MailJob, { template: T }>["data"];

/** What a template stands on besides its data. */
export interface Setting {
  words: Words;
  /** Where people find Confab. */
  publicUrl: string;
  /** Where whoever gets the mail can end mails of its kind. */
  unsubscribeUrl?: string;
}

export type Template<T extends MailTemplate> = (data: DataOf<T>, setting: Setting) => Letter;
