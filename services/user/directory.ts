/* Whom one may see, and whom one finds. */
import { call } from "@confab/mixins/define.ts";
import { badField } from "@confab/mixins/problem.ts";
import { ownerOf } from "./addresses.ts";
import { isClosed, nameKey, normalizeEmail } from "./policies.ts";
import type { UserService } from "./service.ts";
import type { StoredUser } from "./store/documents.ts";

/** Nobody's. Asked about where an address has no account, so that the work is the same. */
const nobody = "00000000-0000-7000-8000-000000000000";

/**
 * Those of these users whom a user may see: oneself, whomever one met in a chat, and everybody where the directory is
 * open, but for those who are erased. What one may not see costs the same as what is not there.
 */
export async function visibleTo(
  { broker, store, settings }: UserService,
  userId: string,
  ids: readonly string[],
): Promise<StoredUser[]> {
  const [users, met] = await Promise.all([
    store.usersById(ids),
    call(broker, "chat.people.shared", { userId, userIds: [...ids] }),
  ]);
  const isOpen = ({ erasedAt }: StoredUser) => settings.DIRECTORY === "all" && erasedAt === undefined;
  return users.filter((user) => user._id === userId || met.userIds.includes(user._id) || isOpen(user));
}

export const isAddress = (q: string) => /^[^\s@]+@[^\s@]+$/.test(q.trim());

/** Whoever has proved an address, and lets themselves be found by it. Costs the same where there is nobody. */
export async function findByAddress(service: UserService, userId: string, q: string): Promise<StoredUser[]> {
  const { broker } = service;
  const user = await ownerOf(service, normalizeEmail(q));
  const { findable } = await call(broker, "chat.people.findable", { userId: user?._id ?? nobody, by: userId });
  return user && findable && isToBeFound(user) ? [user] : [];
}

interface Page {
  users: StoredUser[];
  next: StoredUser | undefined;
}

type From = { nameKey: string; _id: string } | undefined;

/** Everybody whose name begins so, in the order of the names. */
export async function findByName({ store }: UserService, q: string, limit: number, from: From): Promise<Page> {
  const users = await store.usersByName(nameKey(q), limit, from);
  // The closed are left out after the page is cut: where it goes on does not depend on them.
  return { users: users.filter(isToBeFound), next: users.length === limit ? users.at(-1) : undefined };
}

/** Whomever one met in a chat and of whose name a word begins so, in the order of the names. */
export async function findAmongMet(
  { broker, store }: UserService,
  userId: string,
  q: string,
  limit: number,
  from: From,
): Promise<Page> {
  const wanted = nameKey(q);
  const { userIds } = await call(broker, "chat.people.shared", { userId });
  const found = (await store.usersById(userIds))
    .filter((user) => isToBeFound(user) && hasWord(nameKey(user.name), wanted))
    .sort((a, b) => compare(placeOf(a), placeOf(b)))
    .filter((user) => !from || compare(placeOf(user), from) > 0);
  return { users: found.slice(0, limit), next: found.length > limit ? found[limit - 1] : undefined };
}

const isToBeFound = (user: StoredUser) => !isClosed(user, Date.now());

/** Whether the name, or what follows a gap in it, begins so. */
const hasWord = (name: string, wanted: string) =>
  name.startsWith(wanted) ||
  [...name.matchAll(/[^\p{L}\p{N}]+/gu)].some((gap) => name.startsWith(wanted, gap.index + gap[0].length));

const placeOf = ({ name, _id }: StoredUser) => ({ nameKey: nameKey(name), _id });
type Place = ReturnType<typeof placeOf>;

function compare(a: Place, b: Place): number {
  if (a.nameKey !== b.nameKey) return a.nameKey < b.nameKey ? -1 : 1;
  return a._id < b._id ? -1 : Number(a._id > b._id);
}

export function writeCursor(user: StoredUser): string {
  const { nameKey: key, _id } = placeOf(user);
  return Buffer.from(`${_id}${key}`).toString("base64url");
}

export function readCursor(cursor: string): Place {
  const [, id, key] = /^([0-9a-f-]{36})(.*)$/su.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (!id || key === undefined) throw badField("cursor", "cursor", "is not one that this list gave out");
  return { nameKey: key, _id: id };
}
