import { useEffect, useState } from "preact/hooks";
import { client } from "./client.ts";

const names = new Map<string, string>();
const asking = new Set<string>();
const waiting: string[] = [];
const listeners = new Set<() => void>();
/** A large group must not keep the rest of the page from asking. */
const atOnce = 6;

function ask(userId: string): void {
  if (names.has(userId) || asking.has(userId) || waiting.includes(userId)) return;
  waiting.push(userId);
  next();
}

function next(): void {
  if (asking.size >= atOnce) return;
  const userId = waiting.shift();
  if (userId === undefined) return;
  asking.add(userId);
  client
    .call("user.profile.get", { userId })
    .then(learn, () => {})
    .finally(() => {
      asking.delete(userId);
      next();
    });
}

export function learn({ id, name }: { id: string; name: string }): void {
  if (names.get(id) === name) return;
  names.set(id, name);
  for (const listener of [...listeners]) listener();
}

export type NameOf = (userId: string | null | undefined) => string | undefined;

const nameOf: NameOf = (userId) => (userId ? names.get(userId) : undefined);

/** The names of these people; undefined while they are being asked for. */
export function useNames(userIds: readonly (string | null | undefined)[]): NameOf {
  const [, redraw] = useState(0);
  const wanted = [...new Set(userIds)].filter((id): id is string => Boolean(id)).sort();
  const key = wanted.join();
  useEffect(() => {
    for (const id of wanted) ask(id);
    let seen = wanted.map(nameOf).join("\n");
    const look = () => {
      const now = wanted.map(nameOf).join("\n");
      if (now === seen) return;
      seen = now;
      redraw((count) => count + 1);
    };
    listeners.add(look);
    return () => void listeners.delete(look);
  }, [key]);
  return nameOf;
}
