import { v7 as uuid } from "uuid";
import { makeJob } from "../job.ts";
import type { DigestStore, StoredTold } from "./digest.store.ts";

/** What digests ask of every store of mail. `open`: the store as another node sees it. */
export function digestStoreSuite(open: () => Promise<DigestStore>): void {
  let store: DigestStore;
  let other: DigestStore;
  beforeAll(async () => {
    store = await open();
    other = await open();
  });

  const people = (count: number) => Array.from({ length: count }, () => uuid());
  const noted = (userIds: readonly string[], at: number, urgentAt?: number) =>
    new Map(userIds.map((userId) => [userId, { at, ...(urgentAt === undefined ? {} : { urgentAt }) }]));
  /** Somebody who is due before all others. */
  async function taken(userId: string, worker = "one") {
    await store.note(noted([userId], -1000), 0);
    const one = (await store.takePending(worker, -900, -800))!;
    expect(one._id).toBe(userId);
    return one;
  }

  test("what is noted is due after the first of it, and a later note changes nothing but what is urgent", async () => {
    const [ann, bob] = people(2) as [string, string];
    await store.note(noted([ann, bob], 5000), 100);
    await store.note(noted([ann], 6000), 100);
    expect(await store.pendingOf(ann)).toEqual({ _id: ann, firstAt: 5000, dueAt: 5100, notes: 1 });
    await store.note(noted([ann], 7000, 7000), 100);
    expect(await store.pendingOf(ann)).toEqual({ _id: ann, firstAt: 5000, urgentAt: 7000, dueAt: 5100, notes: 2 });
    await store.note(noted([ann], 8000, 8000), 100);
    expect(await store.pendingOf(ann)).toMatchObject({ urgentAt: 7000, notes: 2 });
    await store.note(noted([ann], 4000), 100);
    expect(await store.pendingOf(ann)).toMatchObject({ firstAt: 4000, notes: 3 });
    for (const userId of [ann, bob]) await store.eraseUser(userId);
  });

  test("many at once on two nodes are all noted, each once", async () => {
    const all = people(700);
    await Promise.all([store.note(noted(all, 9000), 100), other.note(noted(all, 9000, 9000), 100)]);
    for (const userId of [all[0]!, all[499]!, all[500]!, all[699]!])
      expect(await store.pendingOf(userId)).toMatchObject({ firstAt: 9000, urgentAt: 9000, dueAt: 9100 });
    await Promise.all(all.map((userId) => store.eraseUser(userId)));
  });

  test("one node takes somebody who is due, and another when the lease is over", async () => {
    const [ann] = people(1) as [string];
    await store.note(noted([ann], -1000), 0);
    const looks = await Promise.all([store, other, store, other].map((one, at) => one.takePending(`${at}`, -900, -800)));
    expect(looks.filter((one) => one !== null)).toHaveLength(1);
    expect(await store.takePending("late", -801, -700)).toBeNull();
    expect(await store.takePending("late", -800, -700)).toMatchObject({ _id: ann, worker: "late" });
    const [first] = looks.filter((one) => one !== null);
    expect(await store.dropPending(first!)).toBe(false);
    expect(await store.putOff(first!, 0, false)).toBe(false);
    await store.eraseUser(ann);
  });

  test("what was noted while somebody was looked at is neither dropped nor put off", async () => {
    const [ann, bob, carl] = people(3) as [string, string, string];
    const [ofAnn, ofBob, ofCarl] = [await taken(ann), await taken(bob), await taken(carl)];
    await store.note(noted([ann, bob], 20_000), 100);
    expect([await store.dropPending(ofAnn), await store.putOff(ofBob, 30_000, true)]).toEqual([false, false]);
    await store.release(ofAnn, 40_000);
    expect(await store.pendingOf(ann)).toEqual({ _id: ann, firstAt: -1000, dueAt: 40_000, notes: 2 });
    expect(await store.putOff(ofCarl, 30_000, false)).toBe(true);
    expect(await store.pendingOf(carl)).toEqual({ _id: carl, firstAt: -1000, dueAt: 30_000, notes: 1 });
    for (const userId of [ann, bob, carl]) await store.eraseUser(userId);
  });

  test("of decisions that are made at once one holds, and each is carried out once", async () => {
    const [ann] = people(1) as [string];
    const data = { code: "123456", minutes: 10 };
    const decision = (seq: number, kind: "digest" | "notification" = "digest") => ({
      ...{ kind, told: { c: seq }, at: seq * 1000 },
      job: makeJob({ template: "code", to: "ann@example.org", data }, "confab@example.org"),
    });
    let before: StoredTold = { _id: ann, number: 0, told: {} };
    for (const [number, kind] of (["digest", "notification"] as const).entries()) {
      const both = await Promise.all([store.decide(before, decision(number + 1, kind)), other.decide(before, decision(9, kind))]);
      const [one] = both.filter((decided) => decided !== null);
      expect(both.filter((decided) => decided !== null)).toHaveLength(1);
      expect(await store.toldOf(ann)).toMatchObject({ number, decided: { job: { id: one!.decided.job.id } } });
      expect((await Promise.all([store.carriedOut(one!), other.carriedOut(one!)])).filter(Boolean)).toHaveLength(1);
      before = (await store.toldOf(ann))!;
      expect(before).toMatchObject({ number: number + 1, told: one!.decided.told });
      expect(before).not.toHaveProperty("decided");
      // Of the past nothing more is decided.
      expect(await other.decide({ ...before, number }, decision(10))).toBeNull();
    }
    expect(before).toMatchObject({ digestAt: expect.any(Number), notifiedAt: expect.any(Number) });
    await store.eraseUser(ann);
    expect([await store.toldOf(ann), await store.pendingOf(ann)]).toEqual([null, null]);
  });

  test("the scan has one place, which one node at a time puts forward", async () => {
    const [one, two] = [uuid(), uuid()];
    await Promise.all([store.beginScan("a", 1, one), other.beginScan("a", 1, two)]);
    const now = 1000;
    const claims = await Promise.all([store.claimScan(one, now, now + 100), other.claimScan(two, now, now + 100)]);
    const [mine] = claims.filter((claim) => claim !== null);
    expect(claims.filter((claim) => claim !== null)).toHaveLength(1);
    expect(mine).toMatchObject({ after: "a", at: 1, longAt: 1, begun: "a" });
    expect(await store.advanceScan(mine!, { after: "b", at: 2, longAt: 2 }, now + 200)).toBe(true);
    expect(await store.advanceScan(mine!, { after: "c", at: 3, longAt: 3 }, now + 200)).toBe(false);
    const late = mine!.worker === one ? two : one;
    expect(await other.claimScan(late, now + 199, now + 300)).toBeNull();
    expect(await other.claimScan(late, now + 200, now + 300)).toMatchObject({ after: "b", at: 2, begun: "a" });
    expect(await store.claimScan(mine!.worker, now + 250, now + 400)).toBeNull();
    await other.leaveScan(late);
    expect(await store.claimScan(mine!.worker, now + 250, now + 400)).not.toBeNull();
    await store.beginScan("z", 9, one);
    expect(await store.claimScan(mine!.worker, now + 250, now + 400)).toMatchObject({ after: "b" });
  });
}
