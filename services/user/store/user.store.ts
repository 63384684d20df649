import { Conflict, type Collection, type Database } from "@confab/mixins/store/collection.ts";
import type { LimitsOfLife } from "../policies.ts";
import * as documents from "./documents.ts";
import type { StoredAllowance, StoredFlow, StoredSession, StoredUser } from "./documents.ts";

export const allowanceMs = 3_600_000;
const none = { $exists: false } as const;

/** What user asks of its data. */
export class UserStore {
  readonly #users: Collection<StoredUser>;
  readonly #flows: Collection<StoredFlow>;
  readonly #allowances: Collection<StoredAllowance>;
  readonly #sessions: Collection<StoredSession>;

  private constructor(
    users: Collection<StoredUser>,
    flows: Collection<StoredFlow>,
    allowances: Collection<StoredAllowance>,
    sessions: Collection<StoredSession>,
  ) {
    this.#users = users;
    this.#flows = flows;
    this.#allowances = allowances;
    this.#sessions = sessions;
  }

  static async open(database: Database): Promise<UserStore> {
    return new UserStore(
      await database.collection(documents.users),
      await database.collection(documents.flows),
      await database.collection(documents.allowances),
      await database.collection(documents.sessions),
    );
  }

  /**
   * Takes one of the `limit` codes that an address may get within any hour. Answers nothing where it got one, else
   * when the next will be free.
   */
  async takeAllowance(email: string, limit: number, now: number): Promise<number | undefined> {
    const ids = Array.from({ length: limit }, (_, at) => `${email}#${at}`);
    const freed = await this.#allowances.updateOne(
      { _id: { $in: ids }, takenAt: { $lte: now - allowanceMs } },
      { $set: { takenAt: now } },
    );
    if (freed) return undefined;
    const taken = await this.#allowances.find({ _id: { $in: ids } });
    const known = new Set(taken.map(({ _id }) => _id));
    for (const _id of ids.filter((id) => !known.has(id))) {
      if (await stores(this.#allowances.insert({ _id, takenAt: now }))) return undefined;
    }
    return Math.min(now, ...taken.map(({ takenAt }) => takenAt)) + allowanceMs;
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

  async knownUsers(userIds: readonly string[]): Promise<string[]> {
    const found = await this.#users.find({ _id: { $in: userIds } });
    return found.map(({ _id }) => _id);
  }

  /** The one user of this address: `user`, or whoever was stored for it first. */
  async signUp(user: StoredUser & { email: string }): Promise<StoredUser> {
    if (await stores(this.#users.insert(user))) return user;
    // A write, as a read does not show yet what the other's majority has not confirmed.
    return (await this.#users.updateOne({ email: user.email }, { $set: { email: user.email } }))!;
  }

  /** Changes the profile, and notes by the same write that the user's log is to be told of it. */
  changeUser(userId: string, change: Partial<Pick<StoredUser, "name">>): Promise<StoredUser | null> {
    return this.#users.updateOne({ _id: userId }, { $set: { ...change, untold: true }, $inc: { version: 1 } });
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

  async endSession(sessionId: string, userId: string, now: number): Promise<void> {
    await this.#sessions.updateOne({ _id: sessionId, userId, endedAt: none }, { $set: { endedAt: now } });
  }

  async aliveSessions(sessionIds: readonly string[], { usedAfter, createdAfter }: LimitsOfLife): Promise<string[]> {
    const found = await this.#sessions.find({
      _id: { $in: sessionIds },
      endedAt: none,
      lastUsedAt: { $gt: usedAfter },
      createdAt: { $gt: createdAfter },
    });
    return found.map(({ _id }) => _id);
  }

  /** Removes what can be used no more. A session that is too old goes a while after its last use, too. */
  async sweep({ now, usedAfter }: { now: number; usedAfter: number }): Promise<void> {
    await this.#flows.removeMany({ expiresAt: { $lte: now } });
    await this.#allowances.removeMany({ takenAt: { $lte: now - allowanceMs } });
    await this.#sessions.removeMany({ lastUsedAt: { $lte: usedAfter } });
    await this.#sessions.removeMany({ endedAt: { $lte: now } });
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
