import type { MailJob } from "@confab/contracts";
import { compose, type Block, type Content } from "./template.ts";

/* What happened, or was asked for, about an account. */

type DataOf<T extends MailJob["template"]> = Extract<MailJob, { template: T }>["data"];
type Happened = DataOf<"new-device">;

const paragraph = (text: string): Block => ({ paragraph: text });
const where = ({ at, device, address }: Happened) =>
  paragraph(`It was done at ${presentTime(at)} from ${address || "an unknown place"}${device ? `, by ${device}` : ""}.`);
const presentTime = (iso: string) => `${iso.slice(0, 16).replace("T", " ")} UTC`;
const notYou = paragraph(
  "If that was not you, set a new password at once by “Forgot password”: it ends all sessions. Then look at your sessions and your second factor.",
);

export const knownAddress = (): Content =>
  compose("You have an account already", [
    paragraph(
      "Somebody, perhaps you, wanted to use this address for an account. There is one already: sign in with it, or ask for a new password.",
    ),
    paragraph("If it was not you, there is nothing for you to do."),
  ]);

export const unknownAddress = (): Content =>
  compose("There is no account of this address", [
    paragraph(
      "Somebody, perhaps you, asked for a new password. This address has no account; perhaps you registered with another one.",
    ),
    paragraph("If it was not you, there is nothing for you to do."),
  ]);

export const passwordChanged = (data: Happened): Content =>
  compose("Your password was changed", [
    paragraph("Your password was changed, and all other sessions were ended."),
    where(data),
    notYou,
  ]);

export const emailChanged = (data: DataOf<"email-changed">): Content =>
  compose("Your address was changed", [
    paragraph(`Your account now has the address ${data.newEmail}. Mails no longer go to this one.`),
    where(data),
    paragraph("If that was not you, tell whoever runs this service."),
  ]);

export const totpChanged = (data: DataOf<"totp-changed">): Content =>
  compose(data.on ? "The second factor is on" : "The second factor is off", [
    paragraph(
      data.on ? "From now on signing in wants a code of your second factor." : "From now on signing in wants no second factor.",
    ),
    where(data),
    notYou,
  ]);

export const newDevice = (data: Happened): Content =>
  compose("Somebody signed in", [
    paragraph("Your account was signed in to from a place that it did not know yet."),
    where(data),
    notYou,
  ]);

export const exportReady = ({ url, days }: DataOf<"export-ready">): Content =>
  compose("Your data is ready", [
    paragraph("The archive that you asked for holds all that is kept of you. Whoever has this link can read it:"),
    paragraph(url),
    paragraph(`It is there for ${days} days.`),
  ]);

export const erasureBegun = ({ eraseAt }: DataOf<"erasure-begun">): Content =>
  compose("Your account will be erased", [
    paragraph(`Your account will be erased at ${presentTime(eraseAt)}, and nobody can bring it back after that.`),
    paragraph("To keep it, sign in before then."),
  ]);
