/* The host's users: known by the host's name of them, and by nothing else. */
import { packData } from "@confab/mixins/data.ts";
import { problem } from "@confab/mixins/problem.ts";
import { Conflict } from "@confab/mixins/store/collection.ts";
import { v7 as uuid } from "uuid";
import { normalizeEmail } from "./policies.ts";
import type { UserService } from "./service.ts";
import { staying, type StoredUser } from "./store/documents.ts";
import { tellOrLater } from "./telling.ts";

/** What the host says of one of its users. What is left out stays as it is. */
export interface HostProfile {
  externalId: string;
  name?: string;
  /** Null: none any more. */
  email?: string | null;
  data?: Record<string, unknown>;
}

/** What a user is called whom the host did not name: not by the host's own words, which may be an address or a number. */
const nameless = "User";

/** The user of a name of the host's: made where it is new, however often it is asked for at once, else brought into step. */
export async function putHostUser(service: UserService, profile: HostProfile): Promise<{ user: StoredUser; isNew: boolean }> {
  const data = profile.data === undefined ? undefined : packData(profile.data);
  const known = await service.store.userByExternalId(profile.externalId);
  const { user, isNew } = known ? { user: known, isNew: false } : await makeHostUser(service, profile, data);
  return { user: isNew ? user : await keepInStep(service, user, profile, data), isNew };
}

/** A new user of the host's, or whoever the unique index had first. */
export async function makeHostUser(
  service: UserService,
  { externalId, name, email }: HostProfile,
  data: string | undefined,
): Promise<{ user: StoredUser; isNew: boolean }> {
  const user = {
    ...{ _id: uuid(), externalId, name: name?.trim() ?? nameless, createdAt: Date.now() },
    ...(data === undefined ? {} : { data }),
  };
  if (email === undefined || email === null) return service.store.signUp(user);
  // The host's word for the address, which nobody has proved to us.
  const made = await service.store.signUp({ ...user, email: normalizeEmail(email), emailVerified: false });
  if (made.user.externalId === externalId) return made;
  // Another account has the address. It is not the host's user: who has an address elsewhere is not who has it here.
  noteTaken(service, user._id);
  return service.store.signUp(user);
}

async function keepInStep(
  service: UserService,
  user: StoredUser,
  { name, email }: HostProfile,
  data: string | undefined,
): Promise<StoredUser> {
  const { store } = service;
  const change = {
    ...(name === undefined || name.trim() === user.name ? {} : { name: name.trim() }),
    ...(data === undefined || data === (user.data ?? "{}") ? {} : { data }),
  };
  const isChange = Object.keys(change).length > 0;
  const changed = isChange ? await store.changeProfile(user._id, change) : user;
  // Its erasure has begun; after that the host's name is free for somebody new.
  if (!changed || changed.erasing) throw problem("unavailable", { detail: "The account is being erased", retryAfter: 60 });
  if (changed.untold) void tellOrLater(service, changed);
  return email === undefined ? changed : takeEmail(service, changed, email);
}

async function takeEmail(service: UserService, user: StoredUser, given: string | null): Promise<StoredUser> {
  const { store } = service;
  const email = given === null ? undefined : normalizeEmail(given);
  if (email === user.email) return user;
  const filter = { _id: user._id, ...staying };
  try {
    const changed =
      email === undefined
        ? await store.changeUser(filter, {}, { email: true, emailVerified: true })
        : await store.changeUser(filter, { email, emailVerified: false });
    return changed ?? user;
  } catch (err) {
    if (!(err instanceof Conflict)) throw err;
    noteTaken(service, user._id);
    return user;
  }
}

const noteTaken = ({ logger }: UserService, userId: string) =>
  logger.warn("The host gave a user an address that another account has: it is left out", { userId });

/** The user behind a name of the host's. */
export async function requireHostUser({ store }: UserService, externalId: string): Promise<StoredUser> {
  const user = await store.userByExternalId(externalId);
  if (!user) throw problem("user.not_found");
  return user;
}
