import { ProblemDocument } from "@confab/contracts";
import { Limits } from "@confab/contracts/api.ts";
import { Chat, Entry, Invite, Member, Message, Preferences, Reaction, Receipt, UserEntry } from "@confab/contracts/chat.ts";
import { Presence } from "@confab/contracts/io.ts";
import { FieldError } from "@confab/contracts/shapes.ts";
import { Me, Profile, SignedIn, Tokens } from "@confab/contracts/user.ts";

export type Json = Record<string, unknown>;

/** The shapes that the documents name, each told once and referred to everywhere else. */
const named: Record<string, object> = {
  Chat,
  Entry,
  FieldError,
  Invite,
  Limits,
  Me,
  Member,
  Message,
  Preferences,
  Presence,
  Problem: ProblemDocument,
  Profile,
  Reaction,
  Receipt,
  SignedIn,
  Tokens,
  UserEntry,
};

const names = new Map(Object.entries(named).map(([name, schema]) => [JSON.stringify(schema), name]));

/** A schema as plain JSON, with references in place of the named shapes in it. */
export function presentSchema(schema: object): Json {
  return refer(JSON.parse(JSON.stringify(schema)) as Json) as Json;
}

/** Every named shape. */
export function presentShapes(): Json {
  return Object.fromEntries(Object.entries(named).map(([name, schema]) => [name, inside(JSON.parse(JSON.stringify(schema)))]));
}

function refer(value: unknown): unknown {
  const name = typeof value === "object" && value !== null ? names.get(JSON.stringify(value)) : undefined;
  return name ? { $ref: `#/components/schemas/${name}` } : inside(value);
}

function inside(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(refer);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, refer(part)]));
}
