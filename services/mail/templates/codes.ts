import { paragraph, type Letter } from "./letter.ts";
import { line } from "./plain.ts";
import type { Template } from "./template.ts";

type CodeTemplate = "code" | "register-code" | "reset-code" | "email-code";

/** The code comes first, so that it is read in the list of mails and in a notification. */
const mail =
  <const T extends CodeTemplate>(template: T): Template<T> =>
  ({ code: given, minutes }, { words }): Letter => {
    const code = line(given, 40);
    const { subject, heading, lead, otherwise } = words[template];
    return {
      subject: subject(code),
      heading,
      blocks: [paragraph(lead), { kind: "code", code }, paragraph(words.codeTerms(minutes)), paragraph(otherwise)],
      foot: [],
    };
  };

export const code = mail("code");
export const registerCode = mail("register-code");
export const resetCode = mail("reset-code");
export const emailCode = mail("email-code");
