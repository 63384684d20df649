// What nobody may read in a log, gathered from all that tests send and are told, and looked for when a world ends: so
// the logs of the whole run are searched, whatever the tests were about.

import { readFileSync } from "node:fs";

/** Fields whose values are nobody else's business, wherever they stand in what is sent or answered. */
const secretFields = new Set([
  ...["password", "current", "code", "totp", "recoveryCodes", "secret", "uri"],
  ...["accessToken", "refreshToken", "token", "key", "email", "text", "quote", "image"],
]);
/** Shorter words turn up by chance. */
const shortest = 10;
/** Of each field: a storm says thousands of things, and a leak shows by some of them. */
const most = 200;

const known = new Map<string, Set<string>>();

function note(field: string, value: string): void {
  let values = known.get(field);
  if (!values) known.set(field, (values = new Set()));
  if ((value.length >= shortest || isCode(value)) && values.size < most) values.add(value);
}

const isCode = (value: string) => /^\d{6}$/.test(value);

/** Remembers what is secret in something that is sent or was answered. */
export function noteSecrets(value: unknown, field = ""): void {
  if (typeof value === "string") {
    if (secretFields.has(field)) note(field, value);
  } else if (Array.isArray(value)) {
    for (const one of value.slice(0, 20)) noteSecrets(one, field);
  } else if (typeof value === "object" && value !== null) {
    for (const [name, one] of Object.entries(value)) noteSecrets(one, name);
  }
}

/** Every line of these files that holds something secret, with what it was. */
export function findSecrets(files: readonly string[]): string[] {
  const found: string[] = [];
  for (const file of files) {
    const log = readFileSync(file, "utf8");
    for (const [field, values] of known) for (const value of values) found.push(...linesWith(log, field, value));
  }
  return found;
}

function linesWith(log: string, field: string, value: string): string[] {
  // Six digits also stand in ids and fractions of seconds, by chance.
  const at = isCode(value) ? log.search(new RegExp(`(?<![0-9a-f.:-])${value}(?![0-9a-f-])`)) : log.indexOf(value);
  if (at < 0) return [];
  const line = log.slice(log.lastIndexOf("\n", at) + 1, (log.indexOf("\n", at) + 1 || log.length + 1) - 1);
  return [`${field} ${value}: ${line.slice(0, 400)}`];
}
