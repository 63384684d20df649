import { compose, type Content } from "./template.ts";

type Data = { code: string; minutes: number };

/** The code comes first, so that it is read in the list of mails and in a notification. */
const mail = (purpose: string, before: string, otherwise: string) =>
  function ({ code, minutes }: Data): Content {
    return compose(`${code} is your ${purpose}`, [
      { paragraph: before },
      { code },
      { paragraph: `It is good for ${minutes} ${minutes === 1 ? "minute" : "minutes"}, once, and only where you asked for it.` },
      { paragraph: otherwise },
    ]);
  };

const mistake = "If you did not ask for it, somebody typed your address by mistake: there is nothing for you to do.";

export const code = mail("sign-in code", "Type this code to sign in:", mistake);
export const registerCode = mail("code to register", "Type this code to finish your new account:", mistake);
export const emailCode = mail("code for your new address", "Type this code to use this address for your account:", mistake);
export const resetCode = mail(
  "code for a new password",
  "Type this code to set a new password:",
  "If you did not ask for it, do nothing: your password stays as it is. Give this code to nobody.",
);
