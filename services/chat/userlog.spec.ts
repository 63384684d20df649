import { Unavailable } from "@confab/mixins/store/collection.ts";
import { v7 as uuid } from "uuid";
import type { ChatNote, UserSubject } from "./store/documents.ts";
import { Access, openStore, times, upTo } from "./testing.ts";
import { defaultPreferences, noNote, subjects, UserLog, type UserChange } from "./userlog.ts";

let userId: string;
beforeEach(() => {
  userId = uuid();
});

/** Logs of two nodes on one store. */
async function open(jitter = 3) {
  const store = await openStore(true);
  const node = () => {
    const access = new Access(store);
    access.jitter = jitter;
    const told: UserSubject[] = [];
    return { access, told, log: new UserLog(access.store, (_userId, entry) => told.push(entry)) };
  };
  return { store, one: node(), two: node() };
}

const note = (chatId: string, readSeq: number): UserChange => ({
  subject: subjects.chat(chatId),
  type: "chat.noted",
  decide: (now = noNote(chatId)) => (now.readSeq >= readSeq ? undefined : { ...now, readSeq }),
});
const block = (other: string, blocked = true): UserChange => ({
  subject: subjects.block(other),
  type: "block.changed",
  decide: (now) => ((now?.blocked ?? false) === blocked ? undefined : { userId: other, blocked }),
});
/** One that never is as it is to be. */
const count = (chatId: string): UserChange => ({
  subject: subjects.chat(chatId),
  type: "chat.noted",
  decide: (now = noNote(chatId)) => ({ ...now, readSeq: now.readSeq + 1 }),
});
const revs = (entries: readonly UserSubject[]) => entries.map(({ rev }) => rev);

test("appends at once on two nodes take every userRev once, and each is told once and in order", async () => {
  const { one, two } = await open();
  await Promise.all(times(60, (at) => [one, two][at % 2]!.log.append(userId, [count(`c${at % 25}`)])));
  expect([...revs(one.told), ...revs(two.told)].sort((a, b) => a - b)).toEqual(upTo(60));
  for (const { told } of [one, two]) expect(revs(told)).toEqual(revs(told).sort((a, b) => a - b));
  const { userRev, entries } = await one.log.after(userId, 0);
  expect(userRev).toBe(60);
  // Each stands on the one before.
  const counted = Object.fromEntries(entries.map(({ subject, body }) => [subject, (body as ChatNote).readSeq]));
  expect(counted).toEqual(Object.fromEntries(times(25, (at) => [`chat:c${at}`, at < 10 ? 3 : 2])));
});

test("G4: no userRev appears after a later one was seen, while it is written to and entries leave the head", async () => {
  const { one, two } = await open(2);
  let isOver = false;
  /** A device that goes on from where it is, and holds the last of each subject. */
  async function follow(log: UserLog) {
    const known = new Map<string, UserSubject>();
    let rev = 0;
    for (let last = false; ; last = isOver) {
      const { userRev, entries } = await log.after(userId, rev);
      expect(revs(entries)).toEqual([...new Set(revs(entries))].sort((a, b) => a - b));
      expect(entries.every((entry) => entry.rev > rev && entry.rev <= userRev)).toBe(true);
      for (const entry of entries) {
        expect(known.get(entry.subject)?.rev ?? 0).toBeLessThan(entry.rev);
        known.set(entry.subject, entry);
      }
      rev = userRev;
      if (last) return { rev, known };
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  const readers = [follow(one.log), follow(two.log), follow(one.log)];
  await Promise.all(
    times(150, (at) => [one, two][at % 2]!.log.append(userId, [note(`c${at % 40}`, at + 1), block(`u${at % 30}`, at % 60 < 30)])),
  );
  isOver = true;
  const { userRev, entries } = await two.log.after(userId, 0);
  const all = new Map(entries.map((entry) => [entry.subject, entry]));
  for (const { rev, known } of await Promise.all(readers)) {
    expect(rev).toBe(userRev);
    // Nothing of what there is was passed over.
    expect([...known].sort()).toEqual([...all].sort());
  }
  expect(new Set([...revs(one.told), ...revs(two.told)]).size).toBe(userRev);
});

test("more subjects than the head holds are all there, by whatever way they are asked for", async () => {
  const { store, one, two } = await open(0);
  const chats = times(50, (at) => `c${at}`);
  await one.log.append(userId, [
    { subject: subjects.preferences, type: "preferences.changed", decide: () => ({ ...defaultPreferences, presence: false }) },
  ]);
  for (const [at, chatId] of chats.entries()) await [one, two][at % 2]!.log.append(userId, [note(chatId, at + 1)]);
  const head = (await store.userLogOf(userId))!;
  expect(head.recent.length).toBeLessThanOrEqual(17);
  // The preferences are looked at with each receipt: they stay.
  expect(head.recent.map(({ subject }) => subject)).toContain(subjects.preferences);
  expect((await one.log.preferences(userId)).presence).toBe(false);
  const notes = await two.log.notes(userId, chats);
  expect(chats.map((chatId) => notes.get(chatId)!.readSeq)).toEqual(upTo(50));
  expect(revs((await one.log.after(userId, 0)).entries)).toEqual(upTo(51));
  expect(revs((await one.log.after(userId, 20)).entries)).toEqual(upTo(51).slice(20));
  const read = await one.log.readOf([userId, uuid()], [subjects.chat("c0"), subjects.chat("c49")]);
  expect(revs([...read.get(userId)!.values()]).filter((rev) => rev === 2 || rev === 51)).toHaveLength(2);
  // One that had left the head comes back to it, and is not told twice.
  await one.log.append(userId, [note("c0", 1000)]);
  const { entries } = await two.log.after(userId, 0);
  expect(entries).toHaveLength(51);
  expect(entries.at(-1)).toMatchObject({ rev: 52, body: { chatId: "c0", readSeq: 1000 } });
});

test("five hundred subjects by one call are one write, and go on from there", async () => {
  const { one, two } = await open(0);
  await one.log.append(
    userId,
    times(500, (at) => note(`c${at}`, 1)),
  );
  expect(one.access.counts.get("advanceUserLog")).toBe(1);
  expect(revs((await two.log.after(userId, 0)).entries)).toEqual(upTo(500));
  await two.log.append(
    userId,
    times(500, (at) => note(`c${at}`, at % 2 ? 2 : 1)),
  );
  const { userRev, entries } = await one.log.after(userId, 0);
  expect(userRev).toBe(750);
  expect(entries).toHaveLength(500);
  expect(revs(entries.slice(250))).toEqual(upTo(750).slice(500));
  const notes = await one.log.notes(
    userId,
    times(500, (at) => `c${at}`),
  );
  expect([...notes.values()].filter(({ readSeq }) => readSeq === 2)).toHaveLength(250);
});

test("what is all right already is no entry, and no write", async () => {
  const { one } = await open(0);
  await one.log.append(userId, [note("c", 5)]);
  const writes = one.access.counts.get("advanceUserLog");
  const [same] = await one.log.append(userId, [note("c", 3)]);
  expect(same).toMatchObject({ rev: 1, body: { readSeq: 5 } });
  expect(await one.log.append(userId, [block("u", false)])).toEqual([undefined]);
  expect(one.access.counts.get("advanceUserLog")).toBe(writes);
});

test("the same subject twice in one call is two userRevs, of which the last stays", async () => {
  const { one } = await open(0);
  const [first, second] = await one.log.append(userId, [note("c", 1), note("c", 2)]);
  expect([first!.rev, second!.rev]).toEqual([1, 2]);
  expect((await one.log.after(userId, 0)).entries).toMatchObject([{ rev: 2, body: { readSeq: 2 } }]);
});

test("a write whose answer is lost is neither lost nor doubled when it is asked for again", async () => {
  const { one, two } = await open(0);
  await one.log.append(userId, [note("c", 1)]);
  const restore = one.access.intercept("advanceUserLog", async (proceed) => {
    await proceed();
    throw new Unavailable(new Error("cut after it was stored"));
  });
  await expect(one.log.append(userId, [note("c", 2), block("u")])).rejects.toThrow("not available");
  restore();
  await one.log.append(userId, [note("c", 2), block("u")]);
  await two.log.append(userId, [note("d", 1)]);
  const { userRev, entries } = await one.log.after(userId, 0);
  expect(userRev).toBe(4);
  expect(entries.map(({ rev, subject }) => [rev, subject])).toEqual([
    [2, "chat:c"],
    [3, "block:u"],
    [4, "chat:d"],
  ]);
});

test("a node that dies between storing an entry by itself and the head that lacks it leaves both right", async () => {
  const { one, two } = await open(0);
  for (const at of upTo(16)) await one.log.append(userId, [note(`c${at}`, 1)]);
  one.access.intercept("advanceUserLog", () => Promise.reject(new Error("killed")));
  await expect(one.log.append(userId, [note("c17", 1)])).rejects.toThrow("killed");
  expect(one.access.counts.get("putUserSubject")).toBeGreaterThan(0);
  await two.log.append(userId, [note("c1", 9)]);
  const { userRev, entries } = await two.log.after(userId, 0);
  expect(userRev).toBe(17);
  expect(revs(entries)).toEqual(upTo(17).slice(1));
  expect((await two.log.notes(userId, ["c1"])).get("c1")!.readSeq).toBe(9);
});

test("nothing is there of a write that came to nothing", async () => {
  const { one, two } = await open(0);
  one.access.intercept("advanceUserLog", () => Promise.reject(new Error("killed")));
  await expect(
    one.log.append(
      userId,
      times(30, (at) => note(`c${at}`, 1)),
    ),
  ).rejects.toThrow("killed");
  for (const at of upTo(40)) await two.log.append(userId, [note(`d${at}`, 1)]);
  const { entries } = await two.log.after(userId, 0);
  expect(entries.map(({ subject }) => subject)).toEqual(upTo(40).map((at) => `chat:d${at}`));
  expect((await two.log.notes(userId, ["c0", "c29"])).size).toBe(0);
});

test("what leaves the head while one reads is not told before its time, and then it is", async () => {
  const { one, two } = await open(0);
  for (const at of upTo(30)) await two.log.append(userId, [note(`c${at}`, 1)]);
  const restore = one.access.intercept("userSubjectsAfter", async (proceed) => {
    restore();
    for (const at of upTo(60)) await two.log.append(userId, [note(`c${at}`, 2)]);
    return proceed();
  });
  const first = await one.log.after(userId, 0);
  expect(first.userRev).toBe(30);
  expect(first.entries.every(({ rev }) => rev <= 30)).toBe(true);
  const second = await one.log.after(userId, first.userRev);
  expect(revs(second.entries)).toEqual(upTo(90).slice(30));
});

test("people whom one has blocked are found among many subjects", async () => {
  const { one } = await open(0);
  await one.log.append(
    userId,
    times(40, (at) => block(`u${at}`)),
  );
  await one.log.append(
    userId,
    times(40, (at) => note(`c${at}`, 1)),
  );
  await one.log.append(
    userId,
    times(20, (at) => block(`u${at}`, false)),
  );
  expect((await one.log.blocks(userId)).map(({ body }) => body.userId).sort()).toEqual(times(20, (at) => `u${at + 20}`).sort());
});
