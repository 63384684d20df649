import type { Profile } from "@confab/contracts";
import { useEffect, useState } from "preact/hooks";
import { client } from "./client.ts";

type Known = Pick<Profile, "id" | "name" | "avatar">;

const people = new Map<string, Known>();
const asking = new Set<string>();
const waiting = new Set<string>();
const listeners = new Set<() => void>();
/** As many as one request may name. */
const atOnce = 100;
let due = false;

/** What is drawn together is asked for together. */
function ask(userId: string): void {
  if (people.has(userId) || asking.has(userId)) return;
  waiting.add(userId);
  if (due) return;
  due = true;
  setTimeout(askAll);
}

function askAll(): void {
  due = false;
  const userIds = [...waiting];
  waiting.clear();
  for (let from = 0; from < userIds.length; from += atOnce) void lookUp(userIds.slice(from, from + atOnce));
}

async function lookUp(userIds: string[]): Promise<void> {
  for (const userId of userIds) asking.add(userId);
  try {
    const { items } = await client.call("user.profile.lookup", { userIds });
    learn(...items);
  } catch {
    // Whoever is drawn the next time is asked for again.
  } finally {
    for (const userId of userIds) asking.delete(userId);
  }
}

export function learn(...profiles: readonly Known[]): void {
  const news = profiles.filter(({ id, name, avatar }) => {
    const known = people.get(id);
    return !known || known.name !== name || known.avatar !== avatar;
  });
  if (news.length === 0) return;
  for (const { id, name, avatar } of news) people.set(id, { id, name, avatar });
  for (const listener of [...listeners]) listener();
}

/** One's own name and picture change from elsewhere, too. */
client.subscribe(({ user }) => {
  if (user) learn(user);
});

/** Nothing that one user may see is kept for the next. */
export function forgetPeople(): void {
  people.clear();
}

export type NameOf = (userId: string | null | undefined) => string | undefined;

/** An erased account is left without a name. */
const nameOf: NameOf = (userId) => {
  const known = userId ? people.get(userId) : undefined;
  return known && (known.name || "Deleted account");
};

/** The names of these people; undefined while they are being asked for. */
export function useNames(userIds: readonly (string | null | undefined)[]): NameOf {
  const wanted = [...new Set(userIds)].filter((id): id is string => Boolean(id)).sort();
  const key = wanted.join();
  useEffect(() => {
    for (const id of wanted) ask(id);
  }, [key]);
  useLearned(key, () => wanted.map(nameOf).join("\n"));
  return nameOf;
}

/** Where the picture of somebody is, once it is known; it is the names that are asked for. */
export function usePicture(id: string): string | null {
  const read = () => people.get(id)?.avatar ?? null;
  useLearned(id, read);
  return read();
}

/** Draws again when what is read of people has changed. */
function useLearned(key: string, read: () => string | null): void {
  const [, redraw] = useState(0);
  useEffect(() => {
    let seen = read();
    const look = () => {
      const now = read();
      if (now === seen) return;
      seen = now;
      redraw((count) => count + 1);
    };
    listeners.add(look);
    return () => void listeners.delete(look);
  }, [key]);
}
