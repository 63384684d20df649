import { v7 as uuid } from "uuid";
import type { StoredSession, StoredUser } from "./documents.ts";
import { allowanceMs, type UserStore } from "./user.store.ts";

/** What any store of user must do, whatever database is below. */
export function userStoreSuite(open: () => Promise<UserStore>): void {
  let store: UserStore;
  beforeAll(async () => void (store = await open()));

  const now = Date.now();
  const newEmail = () => `${uuid()}@example.org`;
  const user = (email = newEmail()) => ({ _id: uuid(), email, name: "Ann", createdAt: now });
  const flow = () => ({ _id: uuid(), email: newEmail(), codeHash: "hash", tries: 0, expiresAt: now + 1000 });
  const session = () => ({
    ...{ _id: uuid(), userId: uuid(), nonce: "nonce", generation: 1, tokenHash: "first", rotatedAt: now },
    ...{ device: "", address: "", createdAt: now, lastUsedAt: now, epoch: 0 },
  });
  const atOnce = <T>(count: number, act: () => Promise<T>) => Promise.all(Array.from({ length: count }, act));
  const signUp = async (of: Partial<StoredUser> = {}) => (await store.signUp({ ...user(), ...of })).user;
  const forever = { usedAfter: 0, createdAfter: 0 };

  describe("allowances", () => {
    test("many askers at once get no more than there are", async () => {
      const email = newEmail();
      const answers = await atOnce(12, () => store.takeAllowance(email, 5, now));
      expect(answers.filter((freeAt) => freeAt === undefined)).toHaveLength(5);
      expect(answers.filter((freeAt) => freeAt === now + allowanceMs)).toHaveLength(7);
    });

    test("one is free again an hour after it was taken, in any hour", async () => {
      const email = newEmail();
      await store.takeAllowance(email, 2, now);
      await store.takeAllowance(email, 2, now + 600_000);
      expect(await store.takeAllowance(email, 2, now + allowanceMs - 1)).toBe(now + allowanceMs);
      expect(await store.takeAllowance(email, 2, now + allowanceMs)).toBeUndefined();
      expect(await store.takeAllowance(email, 2, now + allowanceMs + 1)).toBe(now + 600_000 + allowanceMs);
    });

    test("each address has its own", async () => {
      expect(await store.takeAllowance(newEmail(), 1, now)).toBeUndefined();
      expect(await store.takeAllowance(newEmail(), 1, now)).toBeUndefined();
    });
  });

  describe("flows", () => {
    test("tries at once are no more than there are", async () => {
      const started = flow();
      await store.startFlow(started);
      const tries = await atOnce(12, () => store.countTry(started._id, 5, now));
      expect(tries.filter(Boolean)).toHaveLength(5);
    });

    test("it is used once", async () => {
      const started = flow();
      await store.startFlow(started);
      const uses = await atOnce(5, () => store.useFlow(started._id, now));
      expect(uses.filter(Boolean)).toHaveLength(1);
      expect(await store.countTry(started._id, 5, now)).toBeNull();
    });

    test("it runs out", async () => {
      const started = flow();
      await store.startFlow(started);
      expect(await store.countTry(started._id, 5, started.expiresAt)).toBeNull();
      expect(await store.countTry(started._id, 5, started.expiresAt - 1)).toMatchObject({ email: started.email, tries: 1 });
    });

    test("one that nobody started counts nothing", async () => {
      expect(await store.countTry(uuid(), 5, now)).toBeNull();
    });
  });

  describe("users", () => {
    test("an address has one account, whoever signs it up at once", async () => {
      const email = newEmail();
      const signUps = await atOnce(6, () => store.signUp(user(email)));
      expect(new Set(signUps.map(({ user }) => user._id)).size).toBe(1);
      expect(signUps.filter(({ isNew }) => isNew)).toHaveLength(1);
      expect(await store.userByEmail(email)).toEqual(signUps[0]!.user);
    });

    test("is found by id and by address, and changed", async () => {
      const ann = await signUp();
      const changed = { ...ann, name: "Änna", nameKey: "anna", version: 1, untold: true as const };
      expect(await store.changeProfile(ann._id, { name: "Änna" })).toEqual(changed);
      expect(await store.userById(ann._id)).toEqual(changed);
      expect(await store.userById(uuid())).toBeNull();
      expect(await store.userByEmail(newEmail())).toBeNull();
      expect(await store.changeProfile(uuid(), { name: "Nobody" })).toBeNull();
    });

    test("a changed profile is to be told until its last version was", async () => {
      const ann = await signUp();
      const first = (await store.changeProfile(ann._id, { name: "Anna" }))!;
      const second = (await store.changeProfile(ann._id, { name: "Anne" }))!;
      await store.markTold(first);
      expect((await store.untoldUsers(10)).filter(({ _id }) => _id === ann._id)).toEqual([second]);
      await store.markTold(second);
      expect((await store.untoldUsers(10)).filter(({ _id }) => _id === ann._id)).toEqual([]);
    });

    test("the known among many", async () => {
      const [ann, bob] = [await signUp(), await signUp()];
      expect((await store.knownUsers([ann._id, uuid(), bob._id])).sort()).toEqual([ann._id, bob._id].sort());
      expect(await store.knownUsers([])).toEqual([]);
    });
  });

  describe("sessions", () => {
    const next = { tokenHash: "second", rotatedAt: now + 1, lastUsedAt: now + 1 };

    test("a generation is rotated once", async () => {
      const started = session();
      await store.startSession(started);
      const rotated = await atOnce(5, () => store.rotateSession(started, next));
      expect(rotated.filter(Boolean)).toEqual([{ ...started, ...next, generation: 2 }]);
      expect(await store.latestSession(started._id)).toEqual({ ...started, ...next, generation: 2 });
      expect(await store.sessionById(started._id)).toEqual({ ...started, ...next, generation: 2 });
    });

    test("one that ended is not rotated, and keeps its end", async () => {
      const started = session();
      await store.startSession(started);
      await store.endSession(started._id, started.userId, now + 1);
      await store.endSession(started._id, started.userId, now + 2);
      expect(await store.rotateSession(started, next)).toBeNull();
      expect(await store.sessionById(started._id)).toMatchObject({ endedAt: now + 1, generation: 1 });
    });

    test("only its user ends it", async () => {
      const started = { ...session(), userId: (await signUp())._id };
      await store.startSession(started);
      expect(await store.endSession(started._id, uuid(), now)).toBe(false);
      expect(await store.aliveSessions([started._id], forever, now)).toEqual([started._id]);
      expect(await store.endSession(started._id, started.userId, now)).toBe(true);
    });

    test("the alive among many", async () => {
      const { _id: userId } = await signUp();
      const [alive, ended, idle, old, nobodys] = [
        { ...session(), userId },
        { ...session(), userId },
        { ...session(), userId, lastUsedAt: now - 500 },
        { ...session(), userId, createdAt: now - 900 },
        session(),
      ];
      for (const one of [alive, ended, idle, old, nobodys]) await store.startSession(one);
      await store.endSession(ended._id, ended.userId, now);
      const ids = [alive, ended, idle, old, nobodys].map(({ _id }) => _id);
      const limits = { usedAfter: now - 500, createdAfter: now - 900 };
      expect(await store.aliveSessions([...ids, uuid()], limits, now)).toEqual([alive._id]);
      expect((await store.aliveSessions(ids, forever, now)).sort()).toEqual([alive._id, idle._id, old._id].sort());
    });

    test("the next epoch ends them all but the one that is kept, and one that was just being started", async () => {
      const { _id: userId } = await signUp();
      const [kept, other, late] = [0, 1, 2].map(() => ({ ...session(), userId, epoch: 0 }));
      await store.startSession(kept!);
      await store.startSession(other!);
      const keep = (one: StoredSession, epoch?: number) => ({ sessionId: one._id, epoch });
      expect(await store.nextEpoch(userId, keep(kept!), { set: { passwordHash: "new" } })).toMatchObject({
        epoch: 1,
        passwordHash: "new",
      });
      // Of an epoch that is over nothing is kept.
      expect(await store.nextEpoch(userId, keep(other!), { set: { passwordHash: "newer" } })).toBeNull();
      expect(await store.nextEpoch(userId, keep(other!, 0))).toBeNull();
      await store.startSession(late!);
      const ids = [kept!, other!, late!].map(({ _id }) => _id);
      expect(await store.aliveSessions(ids, forever, now)).toEqual([kept!._id]);
      await store.nextEpoch(userId, null);
      expect(await store.aliveSessions(ids, forever, now)).toEqual([]);
      expect(await store.nextEpoch(uuid(), null)).toBeNull();
    });

    test("a ban ends them, and another's goes on", async () => {
      const [ann, bob] = [await signUp(), await signUp()];
      const [annas, bobs] = [ann, bob].map(({ _id }) => ({ ...session(), userId: _id }));
      await store.startSession(annas!);
      await store.startSession(bobs!);
      await store.changeUser({ _id: ann._id }, { ban: { reason: "", at: now } });
      expect(await store.aliveSessions([annas!._id, bobs!._id], forever, now)).toEqual([bobs!._id]);
    });
  });

  describe("second factors", () => {
    test("a step is taken once, and none before it", async () => {
      const { _id } = await signUp();
      const takes = await atOnce(5, () => store.takeTotpStep(_id, 100));
      expect(takes.filter(Boolean)).toHaveLength(1);
      expect(await store.takeTotpStep(_id, 99)).toBeNull();
      expect(await store.takeTotpStep(_id, 101)).not.toBeNull();
    });

    test("a recovery code is used once, and new ones end the old", async () => {
      const { _id } = await signUp();
      await store.replaceRecoveryCodes(_id, ["one", "two"]);
      expect((await atOnce(5, () => store.useRecoveryCode(_id, "one"))).filter(Boolean)).toHaveLength(1);
      await store.replaceRecoveryCodes(_id, ["three"]);
      expect(await store.useRecoveryCode(_id, "two")).toBe(false);
      expect(await store.useRecoveryCode(uuid(), "three")).toBe(false);
      expect(await store.useRecoveryCode(_id, "three")).toBe(true);
    });
  });

  describe("names", () => {
    test("are found by their beginning, whatever follows it", async () => {
      const prefix = `zz${uuid()}`;
      const made: string[] = [];
      for (const next of ["a", "\u{1f600}", "\ue000", "\uffff", "\u{10ffff}", "\u{10ffff}".repeat(60)])
        made.push((await signUp({ name: prefix + next }))._id);
      const byUtf8 = [0, 2, 3, 1, 4, 5].map((at) => made[at]);
      expect((await store.usersByName(prefix, 100)).map(({ _id }) => _id)).toEqual(byUtf8);
    });

    test("are found by their beginning, in order, from a place on, namesakes too", async () => {
      const prefix = `zz${uuid()}`;
      const made = [];
      for (const name of ["b", "a", "a", "Á", "c"]) made.push(await signUp({ name: `${prefix} ${name}` }));
      await signUp({ name: `y${prefix}` });
      const inOrder = made.sort((a, b) => a.nameKey!.localeCompare(b.nameKey!) || (a._id < b._id ? -1 : 1)).map(({ _id }) => _id);
      const found: string[] = [];
      for (let last: StoredUser | undefined; ;) {
        const page = await store.usersByName(prefix, 2, last && { nameKey: last.nameKey!, _id: last._id });
        found.push(...page.map(({ _id }) => _id));
        last = page.at(-1);
        if (!last) break;
      }
      expect(found).toEqual(inOrder);
    });
  });

  describe("mails", () => {
    const mail = () => ({ mail: uuid(), mailsAt: uuid() });

    test("lie in the account by the write that they are about, one behind the other, and not where nothing was done", async () => {
      const { _id } = await signUp();
      const [one, two, lost] = [mail(), mail(), mail()];
      expect(await store.changeUser({ _id }, { totpSecret: "x" }, {}, one)).toMatchObject({ totpSecret: "x", mails: [one.mail] });
      expect(await store.changeUser({ _id, totpSecret: "y" }, {}, { totpSecret: true }, lost)).toBeNull();
      const ended = await store.nextEpoch(_id, null, { set: { passwordHash: "new" }, mail: two });
      expect(ended).toMatchObject({ passwordHash: "new", mails: [one.mail, two.mail], mailsAt: two.mailsAt });
      expect(await store.nextEpoch(_id, { sessionId: uuid(), epoch: 7 }, { mail: lost })).toBeNull();
      expect(await store.userById(_id)).toEqual(ended);
    });

    test("keep a session that has ended until it is handed over", async () => {
      const { mail: words, mailsAt } = mail();
      const [told, untold] = [session(), { ...session(), mails: [words], mailsAt }];
      for (const one of [told, untold]) {
        await store.startSession(one);
        await store.endSession(one._id, one.userId, now);
      }
      await store.sweep({ now: now + 1, usedAfter: 0 });
      expect(await store.sessionById(told._id)).toBeNull();
      expect(await store.sessionById(untold._id)).toMatchObject({ mails: [words] });
    });

    test("are withdrawn from all that is an account's, and from nothing else", async () => {
      const [ann, bob] = [await signUp(), await signUp()];
      for (const { _id: userId, email } of [ann, bob]) {
        const enclosed = () => ({ mails: [uuid()], mailsAt: uuid() });
        await store.changeUser({ _id: userId }, {}, {}, mail());
        for (let some = 0; some < 2; some++) {
          await store.startSession({ ...session(), userId, ...enclosed() });
          await store.startFlow({ ...flow(), email: email!, ...enclosed() });
          await store.startFlow({ ...flow(), userId, ...enclosed() });
        }
        const archive = { _id: uuid(), userId, requestedAt: 0, state: "ready" as const, leasedUntil: 0, expiresAt: now };
        await store.people.beginExport({ ...archive, ...enclosed() }, undefined);
      }
      const { users, flows, sessions, exports } = store.mailing;
      const left = async ({ _id, email }: StoredUser) => {
        const own = [{ userId: _id }, { email: email! }];
        const lists = [
          await users.find({ _id, mailsAt: { $exists: true } }),
          ...(await Promise.all(
            [sessions, flows, exports].flatMap((table) =>
              own.map((filter) => table.find({ ...filter, mailsAt: { $exists: true } })),
            ),
          )),
        ];
        return lists.flat().length;
      };
      expect(await left(ann)).toBe(8);
      await store.withdrawMails(ann);
      expect(await left(ann)).toBe(0);
      expect(await left(bob)).toBe(8);
    });
  });

  test("a sweep removes what is over, and nothing else", async () => {
    const later = now + 2 * allowanceMs;
    const [over, open] = [flow(), { ...flow(), expiresAt: later + 1 }];
    const [ended, idle, alive] = [session(), { ...session(), lastUsedAt: now - 1 }, session()];
    for (const one of [over, open]) await store.startFlow(one);
    for (const one of [ended, idle, alive]) await store.startSession(one);
    await store.endSession(ended._id, ended.userId, now);
    const email = newEmail();
    await store.takeAllowance(email, 1, later);

    await store.sweep({ now: later, usedAfter: now - 1 });

    expect(await store.countTry(over._id, 5, now)).toBeNull();
    expect(await store.countTry(open._id, 5, later)).not.toBeNull();
    expect(await store.sessionById(ended._id)).toBeNull();
    expect(await store.sessionById(idle._id)).toBeNull();
    expect(await store.sessionById(alive._id)).toEqual(alive);
    expect(await store.takeAllowance(email, 1, later)).toBe(later + allowanceMs);
  });
}
