import { ApiProblem, type ClientProblemCode } from "@confab/sdk";

const words: Partial<Record<ClientProblemCode, string>> = {
  offline: "The server cannot be reached. Check your connection and try again.",
  unavailable: "The server is busy just now. Try again in a moment.",
  internal: "Something went wrong on our side. Try again in a moment.",
  unauthenticated: "You are signed out. Sign in again.",
  too_large: "That is too long to send.",
  "user.wrong_code": "That code is wrong, used or too old. Check it, or ask for a new one.",
  "user.too_many_codes": "Too many codes were asked for. Wait a while before you ask again.",
  "user.not_found": "Nobody is here under that address.",
  "chat.not_found": "This chat does not exist, or you are not in it.",
  "chat.unknown_user": "That person is no longer here.",
};

const fields: Record<string, string> = {
  email: "That does not look like an e-mail address.",
  code: "The code is six digits.",
  name: "Names are one to a hundred characters.",
  text: "That is too long to send.",
};

/** What went wrong, for people. */
export function wordsFor(err: unknown): string {
  if (!(err instanceof ApiProblem)) return "Something went wrong. Try again.";
  const field = err.errors.map((error) => fields[error.field]).find(Boolean);
  return field ?? words[err.code] ?? `${err.message}.`;
}
