import type { FieldError } from "@confab/contracts";
import { ApiProblem, type ClientProblemCode } from "@confab/sdk";
import { lasting } from "./time.ts";

const words: Partial<Record<ClientProblemCode, string>> = {
  offline: "The server cannot be reached. Check your connection and try again.",
  unavailable: "The server is busy just now. Try again in a moment.",
  internal: "Something went wrong on our side. Try again in a moment.",
  unauthenticated: "You are signed out. Sign in again.",
  too_large: "That is too long to send.",
  "user.wrong_code": "That code is wrong, used or too old. Check it, or ask for a new one.",
  "user.too_many_codes": "Too many codes were asked for.",
  too_many_requests: "That was too often.",
  forbidden: "You may not do that.",
  "user.wrong_credentials": "The address or the password is wrong.",
  "user.too_many_tries": "Too many tries.",
  "user.totp_required": "The code of your second factor is wanted too.",
  "user.wrong_totp": "That code of the second factor is wrong, or was used already.",
  "user.totp_is_on": "The second factor is on already.",
  "user.totp_not_begun": "That took too long. Begin anew.",
  "user.banned": "This account is closed by an administrator.",
  "user.session_not_found": "That device is signed out already.",
  "user.too_many_keys": "There are as many server keys as there can be. Remove one first.",
  "user.key_not_found": "That key is not there any more.",
  "user.not_oneself": "You cannot do that to yourself.",
  "user.first_admin": "The settings of this server make that person an administrator.",
  "user.report_not_found": "That report is not there any more.",
  "mail.job_not_found": "That mail is not there any more.",
  "mail.job_not_dead": "That mail is on its way, or was sent.",
  "mail.job_has_no_words": "What that mail said is no longer kept.",
  "user.not_found": "Nobody is here under that address.",
  "user.recent_sign_in_required": "Sign in once more for that.",
  "chat.not_found": "This chat does not exist, or you are not in it.",
  "chat.unknown_user": "That person is no longer here.",
  "chat.too_many_members": "The group has as many members as it can have.",
  "chat.not_allowed": "Your role in this group does not allow that.",
  "chat.groups_only": "That is possible in groups only.",
  "chat.blocked": "This person cannot be written to.",
  "chat.banned": "That person is kept out of this group.",
  "chat.slow_mode": "Slow mode: one message at a time here.",
  "chat.member_not_found": "That person is not in this group any more.",
  "chat.last_owner": "The group needs an owner. Make somebody else one first.",
  "chat.message_not_found": "That message is not here any more.",
  "chat.message_deleted": "That message was deleted.",
  "chat.not_author": "That message is somebody else's.",
  "chat.edit_too_late": "That message is too old to be edited.",
  "chat.too_many_reactions": "That message has as many different reactions as it can have.",
  "chat.too_many_pins": "The chat has as many pinned messages as it can have. Unpin one first.",
  "chat.too_many_bans": "The group keeps as many people out as it can.",
  "chat.too_many_invites": "The group has as many links as it can have. Revoke one first.",
  "chat.too_many_invitations": "Too many people were asked in by mail. You can pass on a link yourself.",
  "chat.too_many_blocks": "You have blocked as many people as you can.",
  "chat.invite_not_good": "This invitation does not exist, or is good no longer. Ask for a new one.",
};

const fields: Record<string, string> = {
  email: "That does not look like an e-mail address.",
  code: "The code is six digits.",
  totp: "Six digits, or a recovery code such as abcde-23456.",
  name: "Names are one to a hundred characters.",
  title: "Titles are one to two hundred characters.",
  text: "That is too long to send.",
  emoji: "That is not one emoji.",
  password: "Passwords have 8 to 128 characters.",
  current: "That is too long for a password.",
  address: "That does not look like an e-mail address.",
  image: "That is not a picture that can be used: a JPEG, PNG, WebP or GIF is.",
};

/** Where the field alone does not say what is wrong with it. */
const faults: Record<string, string> = {
  too_common: "That is one of the commonest passwords, which are tried first.",
  is_email: "Your own address is no good password.",
};

/** Problems that are those of a field. */
const problemFields: Partial<Record<ClientProblemCode, string>> = {
  "user.wrong_code": "code",
  "user.wrong_totp": "totp",
};

const wordsOfField = ({ field, code }: FieldError) => faults[code] ?? fields[field];

/** What is wrong with the fields that are shown; undefined where it is not theirs alone. */
export function fieldWords(err: unknown, shown: readonly string[]): Record<string, string> | undefined {
  if (!(err instanceof ApiProblem)) return undefined;
  const field = problemFields[err.code];
  if (field !== undefined && shown.includes(field)) return { [field]: words[err.code]! };
  const said = err.errors.map((error) => [error.field, wordsOfField(error)] as const);
  if (said.length === 0 || !said.every(([name, text]) => text && shown.includes(name))) return undefined;
  return Object.fromEntries(said) as Record<string, string>;
}

/** What went wrong, for people. */
export function wordsFor(err: unknown): string {
  if (!(err instanceof ApiProblem)) return "Something went wrong. Try again.";
  const field = err.errors.map(wordsOfField).find(Boolean);
  const said = field ?? words[err.code] ?? `${err.message}.`;
  return err.retryAfter && err.status === 429 ? `${said} Wait ${lasting(err.retryAfter)}.` : said;
}

export const plural = (count: number, one: string, many = `${one}s`) => `${count.toLocaleString()} ${count === 1 ? one : many}`;

/** Ann, Bob and 3 others. */
export function listed(names: readonly string[], most = 3): string {
  if (names.length > most) return `${names.slice(0, most - 1).join(", ")} and ${plural(names.length - most + 1, "other")}`;
  return names.length < 2 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
