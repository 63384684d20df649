import type { MailJob } from "@confab/contracts";
import { compose, type Content } from "./template.ts";

/** The code comes first, so that it is read in the list of mails and in a notification. */
export function code({ code, minutes }: MailJob["data"]): Content {
  return compose(`${code} is your sign-in code`, [
    { paragraph: "Type this code to sign in:" },
    { code },
    { paragraph: `It is good for ${minutes} ${minutes === 1 ? "minute" : "minutes"}, once, and only where you asked for it.` },
    { paragraph: "If you did not ask for it, somebody typed your address by mistake: there is nothing for you to do." },
  ]);
}
