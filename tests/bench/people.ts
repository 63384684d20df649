// Who talks in a measure. In Confab they sign in by a mailed code, as everybody does; a bare server believes what it is told.

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Chat, InboxMail, Params, Result, SignedIn } from "@confab/contracts";
import { inParallel } from "./client.ts";
import type { BenchServer } from "./servers.ts";

export interface Crowd {
  server: BenchServer;
  /** What each person's socket says at the handshake. */
  auths: object[];
  /** The chats of two: of person 0 and 1, 2 and 3 … */
  pairs: string[];
  /** The chats of many, by their size; of the first so many people. */
  groups: Map<number, string>;
}

export interface CrowdSize {
  people: number;
  pairs: number;
  groups: number[];
}

export async function gatherInConfab(server: BenchServer, size: CrowdSize): Promise<Crowd> {
  const people = await inParallel(size.people, 8, () => signIn(server));
  const open = async (at: number, type: string, others: SignedIn[]) => {
    const memberIds = others.map(({ user }) => user.id);
    return (await ask<Chat>(server, "/chats", { type, memberIds }, people[at]!.accessToken)).id;
  };
  const pairs = await inParallel(size.pairs, 8, (at) => open(2 * at, "direct", [people[2 * at + 1]!]));
  const groups = new Map<number, string>();
  for (const members of size.groups) groups.set(members, await open(0, "group", people.slice(1, members)));
  return { server, auths: people.map(({ accessToken }) => ({ token: accessToken })), pairs, groups };
}

export function gatherInBaseline(server: BenchServer, size: CrowdSize): Crowd {
  const pairs = Array.from({ length: size.pairs }, () => randomUUID());
  const groups = new Map(size.groups.map((members) => [members, randomUUID()]));
  const auths = Array.from({ length: size.people }, (_, at) => ({
    userId: randomUUID(),
    chats: [
      ...pairs.slice(Math.floor(at / 2), Math.floor(at / 2) + 1),
      ...[...groups].flatMap(([members, id]) => (at < members ? [id] : [])),
    ],
  }));
  return { server, auths, pairs, groups };
}

export async function signIn(server: BenchServer): Promise<SignedIn> {
  const email = `${randomUUID()}@example.test`;
  const { flowId } = await ask<{ flowId: string }>(server, "/auth/code", { email });
  const code = await codeFor(server, email);
  return ask<SignedIn>(server, "/auth/verify", { flowId, code });
}

/** A group of oneself alone. */
export const openGroup = async (server: BenchServer, token: string): Promise<string> =>
  (await ask<Chat>(server, "/chats", { type: "group", memberIds: [] }, token)).id;

export const sendTo = (server: BenchServer, token: string, chatId: string): Promise<unknown> =>
  ask(server, `/chats/${chatId}/messages`, { clientMessageId: randomUUID(), text: "something new" }, token);

export const syncFrom = (
  server: BenchServer,
  token: string,
  known: Params<"chat.sync.pull">,
): Promise<Result<"chat.sync.pull">> => ask(server, "/sync", known, token);

/** Ids of all chats of a user. */
export async function chatsOf(server: BenchServer, token: string): Promise<string[]> {
  const chatIds: string[] = [];
  for (let cursor = ""; ;) {
    const path = `/api/v1/chats?limit=100${cursor}`;
    const response = await fetch(`${server.url}${path}`, { headers: { Authorization: `Bearer ${token}` } });
    const { items, nextCursor } = (await response.json()) as Result<"chat.chat.list">;
    chatIds.push(...items.map(({ id }) => id));
    if (nextCursor === null) return chatIds;
    cursor = `&cursor=${nextCursor}`;
  }
}

async function codeFor(server: BenchServer, email: string): Promise<string> {
  for (let tries = 0; tries < 200; tries++) {
    const response = await fetch(`${server.url}/dev/inbox?to=${encodeURIComponent(email)}`);
    const { items } = (await response.json()) as { items: InboxMail[] };
    const code = /\b\d{6,8}\b/.exec(items[0]?.text ?? "")?.[0];
    if (code) return code;
    await pause(25);
  }
  throw new Error(`no code was mailed to ${email}`);
}

async function ask<T>(server: BenchServer, path: string, body: object, token?: string): Promise<T> {
  const headers = { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const response = await fetch(`${server.url}/api/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  return JSON.parse(text) as T;
}
