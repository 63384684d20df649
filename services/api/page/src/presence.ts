import type { Presence } from "@confab/contracts";
import { useEffect } from "preact/hooks";
import { client, useClient } from "./client.ts";
import { ago } from "./time.ts";

/* The page has one list of people whose presence it watches; every part that shows some adds them to it. */

const wanted = new Map<string, number>();
/** The server watches no more at once. */
const most = 200;
const unknown: ReadonlyMap<string, Presence> = new Map();
let telling = false;

function tellLater(): void {
  if (telling) return;
  telling = true;
  queueMicrotask(() => {
    telling = false;
    client.watchPresence([...wanted.keys()].slice(-most));
  });
}

function want(userId: string, by: 1 | -1): void {
  const count = (wanted.get(userId) ?? 0) + by;
  if (count > 0) wanted.set(userId, count);
  else wanted.delete(userId);
}

/** Watches these people as long as it is shown. */
export function usePresence(userIds: readonly (string | null)[]) {
  // Without a connection nobody tells when that changes.
  const presence = useClient((state) => (state.connection === "online" ? state.presence : unknown));
  const ids = userIds.filter((id): id is string => id !== null);
  const key = ids.join();
  useEffect(() => {
    for (const id of ids) want(id, 1);
    tellLater();
    return () => {
      for (const id of ids) want(id, -1);
      tellLater();
    };
  }, [key]);
  return presence;
}

export function usePresenceWords(userId: string | null): string | undefined {
  const presence = usePresence([userId]);
  const known = userId === null ? undefined : presence.get(userId);
  if (!known) return undefined;
  if (known.state !== "offline") return known.state === "online" ? "Online" : "Away";
  return known.lastActiveAt ? `Last seen ${ago(known.lastActiveAt)}` : "Offline";
}
