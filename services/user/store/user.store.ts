import type { Enclosed, Mailing } from "@confab/mixins/outbox.ts";
import { giveAllowanceBack, takeAllowance, type StoredAllowance } from "@confab/mixins/store/allowances.ts";
import { Conflict, type Collection, type Database, type Filter } from "@confab/mixins/store/collection.ts";
import { isAlive, nameKey, type LimitsOfLife } from "../policies.ts";
import * as documents from "./documents.ts";
import type { StoredFlow, StoredPlace, StoredRecoveryCode, StoredSession, StoredUser } from "./documents.ts";
import { AdminStore } from "./admin.store.ts";
import { PeopleStore } from "./people.store.ts";
import { ServerKeyStore } from "./server.keys.store.ts";

export const allowanceMs = 3_600_000;
/** How long a place is known after it was last signed in from. */
const placeMs = 180 * 24 * 3_600_000;
const none = { $exists: false } as const;

/** What user asks of its data. */
export class UserStore {
  readonly serverKeys: ServerKeyStore;
  readonly admin: AdminStore;
  readonly people: PeopleStore;
  /** Leaves nothing in the files of what was removed or replaced up to now. */
  readonly scrub: () => Promise<void>;
  /** Where mails lie until the mail service has them: in what they are caused by. */
  readonly mailing: Record<"users" | "flows" | "sessions" | "exports", Collection<Mailing>>;
  readonly #users: Collection<StoredUser>;
  readonly #flows: Collection<StoredFlow>;
  readonly #allowances: Collection<StoredAllowance>;
  readonly #sessions: Collection<StoredSession>;
  readonly #places: Collection<StoredPlace>;
  readonly #recoveryCodes: Collection<StoredRecoveryCode>;

  private constructor(
    parts: { serverKeys: ServerKeyStore; admin: AdminStore; people: PeopleStore; scrub: () => Promise<void> },
    collections: {
      users: Collection<StoredUser>;
      flows: Collection<StoredFlow>;
      allowances: Collection<StoredAllowance>;
      sessions: Collection<StoredSession>;
      places: Collection<StoredPlace>;
      recoveryCodes: Collection<StoredRecoveryCode>;
    },
  ) {
    this.serverKeys = parts.serverKeys;
    this.admin = parts.admin;
    this.people = parts.people;
    this.scrub = parts.scrub;
    this.#users = collections.users;
    this.#flows = collections.flows;
    this.#allowances = collections.allowances;
    this.#sessions = collections.sessions;
    this.#places = collections.places;
    this.#recoveryCodes = collections.recoveryCodes;
    const { users, flows, sessions } = collections;
    this.mailing = { users, flows, sessions, exports: parts.people.mailing };
  }

  static async open(database: Database): Promise<UserStore> {
    const parts = {
      serverKeys: await ServerKeyStore.open(database),
      admin: await AdminStore.open(database),
      people: await PeopleStore.open(database),
      scrub: () => database.scrub(),
    };
    return new UserStore(parts, {
      users: await database.collection(documents.users),
      flows: await database.collection(documents.flows),
      allowances: await database.collection(documents.allowances),
      sessions: await database.collection(documents.sessions),
      places: await database.collection(documents.places),
      recoveryCodes: await database.collection(documents.recoveryCodes),
    });
  }

  /**
   * Takes one of the `limit` that this key may get within any hour. Answers nothing where it got one, else when the
   * next will be free. What is limited so stays limited whatever else is away: it stands in the database.
   */
  takeAllowance(key: string, limit: number, now: number): Promise<number | undefined> {
    return takeAllowance(this.#allowances, { key, limit, ms: allowanceMs }, now);
  }

  /** Gives one of them back, which turned out to be no misuse. */
  giveAllowanceBack(key: string, limit: number, takenAt: number): Promise<void> {
    return giveAllowanceBack(this.#allowances, { key, limit }, takenAt);
  }

  async startFlow(flow: StoredFlow): Promise<void> {
    await this.#flows.insert(flow);
  }

  /** Counts a try before anybody looks at the code, so that no number of tries at once gets more; null where none is left. */
  countTry(flowId: string, maxTries: number, now: number): Promise<StoredFlow | null> {
    return this.#flows.updateOne(
      { _id: flowId, tries: { $lt: maxTries }, expiresAt: { $gt: now }, usedAt: none },
      { $inc: { tries: 1 } },
    );
  }

  /** Whether this is the first use. */
  async useFlow(flowId: string, now: number): Promise<boolean> {
    return (await this.#flows.updateOne({ _id: flowId, usedAt: none }, { $set: { usedAt: now } })) !== null;
  }

  userById(userId: string): Promise<StoredUser | null> {
    return this.#users.findOne({ _id: userId });
  }

  userByEmail(email: string): Promise<StoredUser | null> {
    return this.#users.findOne({ email });
  }

  /** Which of these users there are; whoever is being erased is none any more. */
  async knownUsers(userIds: readonly string[]): Promise<string[]> {
    const found = await this.#users.find({ _id: { $in: userIds }, erasing: none, erasedAt: none });
    return found.map(({ _id }) => _id);
  }

  /** The one user of this address or host's name: `user`, or whoever was stored for it first. */
  async signUp(user: StoredUser): Promise<{ user: StoredUser; isNew: boolean }> {
    const { email, externalId } = user;
    const keyed = { ...user, nameKey: nameKey(user.name) };
    if (await stores(this.#users.insert(keyed))) return { user: keyed, isNew: true };
    // A write, as a read does not show yet what the other's majority has not confirmed.
    const known =
      (externalId === undefined ? null : await this.#users.updateOne({ externalId }, { $set: { externalId } })) ??
      (email === undefined ? null : await this.#users.updateOne({ email }, { $set: { email } }));
    return { user: known!, isNew: false };
  }

  userByExternalId(externalId: string): Promise<StoredUser | null> {
    return this.#users.findOne({ externalId });
  }

  usersByExternalId(externalIds: readonly string[]): Promise<StoredUser[]> {
    return this.#users.find({ externalId: { $in: externalIds } });
  }

  usersById(userIds: readonly string[]): Promise<StoredUser[]> {
    return this.#users.find({ _id: { $in: userIds } });
  }

  /** Users whose name begins so, in the order of their names, from a place on. */
  async usersByName(prefix: string, limit: number, after?: { nameKey: string; _id: string }): Promise<StoredUser[]> {
    // Both stores compare UTF-8 bytes, in which the last of Unicode is the greatest; a key is at most 100 characters long.
    const end = prefix + "\u{10ffff}".repeat(100);
    const sort = { nameKey: 1, _id: 1 } as const;
    if (!after) return this.#users.find({ nameKey: { $gte: prefix, $lte: end } }, { sort, limit });
    const namesakes = await this.#users.find({ nameKey: after.nameKey, _id: { $gt: after._id } }, { sort, limit });
    if (namesakes.length === limit) return namesakes;
    const more = { sort, limit: limit - namesakes.length };
    return [...namesakes, ...(await this.#users.find({ nameKey: { $gt: after.nameKey, $lte: end } }, more))];
  }

  /** Changes the profile, and notes by the same write that the user's log is to be told of it. */
  changeProfile(
    userId: string,
    change: Partial<Pick<StoredUser, "name" | "data" | "avatarId">>,
    unset: { avatarId?: true } = {},
  ): Promise<StoredUser | null> {
    const keyed = change.name === undefined ? change : { ...change, nameKey: nameKey(change.name) };
    return this.#users.updateOne(
      { _id: userId, erasing: none },
      { $set: { ...keyed, untold: true }, $inc: { version: 1 }, ...(Object.keys(unset).length > 0 ? { $unset: unset } : {}) },
    );
  }

  /**
   * Changes what is no part of the profile, and adds the mail about that; null where there is no such user, or it is not
   * as the filter says. Throws Conflict.
   */
  changeUser(
    filter: Filter<StoredUser> & { _id: string },
    change: Partial<StoredUser>,
    unset: { [K in keyof StoredUser]?: true } = {},
    mail?: Enclosed,
  ): Promise<StoredUser | null> {
    const set = { ...change, ...(mail ? { mailsAt: mail.mailsAt } : {}) };
    return this.#users.updateOne(filter, {
      ...(Object.keys(set).length > 0 ? { $set: set } : {}),
      ...(Object.keys(unset).length > 0 ? { $unset: unset } : {}),
      ...(mail ? { $push: { mails: mail.mail } } : {}),
    });
  }

  /**
   * Ends all sessions of a user but one, changes what they end for, and adds the mail about it, by one write. One is kept
   * only where the user is still of the epoch in which it was found alive; else nothing is done, and the answer is null.
   */
  nextEpoch(
    userId: string,
    kept: { sessionId: string; epoch: number | undefined } | null,
    {
      set = {},
      unset = {},
      mail,
    }: { set?: Partial<StoredUser>; unset?: { [K in keyof StoredUser]?: true }; mail?: Enclosed | undefined } = {},
  ): Promise<StoredUser | null> {
    const gone = { ...unset, ...(kept === null ? { keptSession: true as const } : {}) };
    const next = {
      ...set,
      ...(kept === null ? {} : { keptSession: kept.sessionId }),
      ...(mail ? { mailsAt: mail.mailsAt } : {}),
    };
    return this.#users.updateOne(
      // What is left of an erased account says only that there was one.
      { _id: userId, erasedAt: none, ...(kept === null ? {} : { epoch: kept.epoch ?? none }) },
      {
        $inc: { epoch: 1 },
        ...(Object.keys(next).length > 0 ? { $set: next } : {}),
        ...(Object.keys(gone).length > 0 ? { $unset: gone } : {}),
        ...(mail ? { $push: { mails: mail.mail } } : {}),
      },
    );
  }

  /** Accounts whose erasure is due, or was begun and not finished. */
  dueErasures(now: number, limit: number): Promise<StoredUser[]> {
    return this.#users.find({ eraseAt: { $lte: now } }, { limit });
  }

  /** From here on it is not called off; null where it was before. */
  beginErasing(userId: string, now: number): Promise<StoredUser | null> {
    return this.#users.updateOne({ _id: userId, eraseAt: { $lte: now } }, { $set: { erasing: true } });
  }

  /** Takes the mails back that the mail service does not have yet: to an account, or to its address. */
  async withdrawMails({ _id: userId, email }: StoredUser): Promise<void> {
    const none = { $unset: { mails: true, mailsAt: true } } as const;
    const isSome = { mailsAt: { $exists: true } } as const;
    await this.#users.updateOne({ _id: userId }, none);
    while (await this.#sessions.updateOne({ userId, ...isSome }, none));
    while (await this.#flows.updateOne({ userId, ...isSome }, none));
    if (email !== undefined) while (await this.#flows.updateOne({ email, ...isSome }, none));
    await this.people.withdrawMails(userId);
  }

  /** Removes all that is kept of an account: what stays is that there was one, and for now that this may have to be gone on with. */
  async eraseUser({ _id: userId, email, createdAt }: StoredUser, now: number): Promise<void> {
    await this.#recoveryCodes.removeMany({ userId });
    await this.#flows.removeMany({ userId });
    if (email !== undefined) await this.#flows.removeMany({ email });
    await this.#users.replaceOne({ _id: userId }, { _id: userId, name: "", createdAt, erasedAt: now, eraseAt: now });
    // Last, since a sign-in that was under way may have left something; from here on there is none.
    await this.#sessions.removeMany({ userId });
    await this.#places.removeMany({ userId });
  }

  /** Nothing is left to be done. */
  async endErasing(userId: string): Promise<void> {
    await this.#users.updateOne({ _id: userId, erasedAt: { $exists: true } }, { $unset: { eraseAt: true, erasing: true } });
  }

  /** The account stays after all; null where its erasure has begun, or is over. */
  callOffErasure(userId: string): Promise<StoredUser | null> {
    return this.#users.updateOne({ _id: userId, ...documents.staying }, { $unset: { eraseAt: true } });
  }

  /** Takes the code of a step of the second factor, once: whoever comes second with it, or with an older one, gets null. */
  takeTotpStep(userId: string, step: number): Promise<StoredUser | null> {
    return this.#users
      .updateOne({ _id: userId, totpStep: { $lt: step } }, { $set: { totpStep: step } })
      .then((taken) => taken ?? this.#users.updateOne({ _id: userId, totpStep: none }, { $set: { totpStep: step } }));
  }

  /** Whether this was one of the user's recovery codes, which it then is no longer. */
  async useRecoveryCode(userId: string, hash: string): Promise<boolean> {
    return (await this.#recoveryCodes.removeMany({ _id: `${userId}:${hash}` })) === 1;
  }

  async replaceRecoveryCodes(userId: string, hashes: readonly string[]): Promise<void> {
    await this.#recoveryCodes.removeMany({ userId });
    await this.#recoveryCodes.insertMany(
      hashes.map((hash) => ({ _id: `${userId}:${hash}`, userId })),
      false,
    );
  }

  /** Notes that an account was signed in from an address; whether that is new. */
  async notePlace(placeId: string, userId: string, now: number): Promise<boolean> {
    if (await this.#places.updateOne({ _id: placeId }, { $set: { seenAt: now } })) return false;
    return stores(this.#places.insert({ _id: placeId, userId, seenAt: now }));
  }

  async isKnownPlace(placeId: string): Promise<boolean> {
    return (await this.#places.findOne({ _id: placeId })) !== null;
  }

  /** How many places an account is known to be signed in from. */
  async countPlaces(userId: string): Promise<number> {
    return (await this.#places.find({ userId })).length;
  }

  /** Users whose logs may lack the last change of their profiles. */
  untoldUsers(limit: number): Promise<StoredUser[]> {
    return this.#users.find({ untold: true }, { limit });
  }

  /** This version has been told; a later one has not. */
  async markTold({ _id, version }: StoredUser): Promise<void> {
    await this.#users.updateOne({ _id, version }, { $unset: { untold: true } });
  }

  async startSession(session: StoredSession): Promise<void> {
    await this.#sessions.insert(session);
  }

  /** As it stands after all that was written to it: a write, as a read does not show yet what no majority has confirmed. */
  latestSession(sessionId: string): Promise<StoredSession | null> {
    return this.#sessions.updateOne({ _id: sessionId }, { $inc: { generation: 0 } });
  }

  sessionById(sessionId: string): Promise<StoredSession | null> {
    return this.#sessions.findOne({ _id: sessionId });
  }

  /** Makes the next token the current one; null where another use of this generation was first, or the session ended. */
  rotateSession(
    session: StoredSession,
    next: Pick<StoredSession, "tokenHash" | "rotatedAt" | "lastUsedAt">,
  ): Promise<StoredSession | null> {
    const { _id, generation } = session;
    return this.#sessions.updateOne({ _id, generation, endedAt: none }, { $set: { ...next, generation: generation + 1 } });
  }

  async endSession(sessionId: string, userId: string, now: number): Promise<boolean> {
    return (await this.#sessions.updateOne({ _id: sessionId, userId, endedAt: none }, { $set: { endedAt: now } })) !== null;
  }

  /** Its user has just proved to be there. */
  async confirmSession(sessionId: string, now: number): Promise<void> {
    await this.#sessions.updateOne({ _id: sessionId }, { $set: { confirmedAt: now } });
  }

  sessionsOf(userId: string): Promise<StoredSession[]> {
    return this.#sessions.find({ userId });
  }

  /** Which of these are alive, by themselves and by their users. */
  async aliveSessions(sessionIds: readonly string[], limits: LimitsOfLife, now: number): Promise<string[]> {
    const found = await this.#sessions.find({
      _id: { $in: sessionIds },
      endedAt: none,
      lastUsedAt: { $gt: limits.usedAfter },
      createdAt: { $gt: limits.createdAfter },
    });
    const owners = await this.usersById([...new Set(found.map(({ userId }) => userId))]);
    const ownerOf = new Map(owners.map((user) => [user._id, user]));
    return found.flatMap((session) => {
      const owner = ownerOf.get(session.userId);
      return owner && isAlive(session, owner, limits, now) ? [session._id] : [];
    });
  }

  /** Removes what can be used no more. A session that is too old goes a while after its last use, too. */
  async sweep({ now, usedAfter }: { now: number; usedAfter: number }): Promise<void> {
    await this.#flows.removeMany({ expiresAt: { $lte: now } });
    await this.#allowances.removeMany({ takenAt: { $lte: now - allowanceMs } });
    await this.#sessions.removeMany({ lastUsedAt: { $lte: usedAfter } });
    // The owner is to hear of a sign-in also where whoever it was has signed out again.
    await this.#sessions.removeMany({ endedAt: { $lte: now }, mailsAt: none });
    await this.#places.removeMany({ seenAt: { $lte: now - placeMs } });
    await this.people.sweep(now);
  }
}

/** Whether it was stored; not where a unique index has it already. */
async function stores(insert: Promise<void>): Promise<boolean> {
  try {
    await insert;
    return true;
  } catch (err) {
    if (err instanceof Conflict) return false;
    throw err;
  }
}
