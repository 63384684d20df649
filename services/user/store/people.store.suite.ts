import { v4 as uuid } from "uuid";
import type { StoredExport, TakenExport } from "./people.store.ts";
import type { UserStore } from "./user.store.ts";

/** What any store of pictures and archives must do, whatever database is below. */
export function peopleStoreSuite(open: () => Promise<UserStore>): void {
  let store: UserStore["people"];
  beforeAll(async () => void (store = (await open()).people));

  const now = Date.now();
  const atOnce = <T>(count: number, act: () => Promise<T>) => Promise.all(Array.from({ length: count }, act));
  const later = now + 1_000_000;

  describe("pictures", () => {
    const picture = (userId: string, createdAt = now) => ({ _id: uuid(), userId, type: "image/webp", base64: "AAAA", createdAt });

    test("one is found by its id, and removed by it", async () => {
      const [one, other] = [picture(uuid()), picture(uuid())];
      await store.putAvatar(one);
      await store.putAvatar(other);
      await store.removeAvatar(one._id);
      expect([await store.avatarById(one._id), await store.avatarById(other._id)]).toEqual([null, other]);
    });

    test("those of a user go that are older, but for the one that is kept", async () => {
      const userId = uuid();
      const [kept, old, fresh, foreign] = [
        picture(userId, now - 9),
        picture(userId, now - 9),
        picture(userId),
        picture(uuid(), now - 9),
      ];
      for (const one of [kept, old, fresh, foreign]) await store.putAvatar(one);
      await store.removeAvatarsOf(userId, kept._id, now);
      const left = await Promise.all([kept, old, fresh, foreign].map(({ _id }) => store.avatarById(_id)));
      expect(left).toEqual([kept, null, fresh, foreign]);
      await store.removeAvatarsOf(userId, undefined, now + 1);
      expect([await store.avatarById(kept._id), await store.avatarById(fresh._id)]).toEqual([null, null]);
    });
  });

  describe("archives", () => {
    const begun = (userId = uuid()): StoredExport => ({
      ...{ _id: uuid(), userId, requestedAt: now, state: "preparing", leasedUntil: 0, expiresAt: later },
    });
    const made = { readyAt: now, expiresAt: later, parts: 1, bytes: 3, leasedUntil: now + 1000 };
    /** Takes everything that waits, so that one of these is among it. */
    async function take(exportId: string, at = now): Promise<TakenExport> {
      for (;;) {
        const taken = await store.takeExport(uuid(), at, 1000);
        if (!taken) throw new Error("it does not wait");
        if (taken._id === exportId) return taken;
      }
    }

    test("a user has one at a time, whoever asks for it at once", async () => {
      const userId = uuid();
      const asked = await atOnce(6, () => store.beginExport(begun(userId), undefined));
      expect(asked.filter(Boolean)).toHaveLength(1);
      const first = (await store.exportOf(userId))!;
      const next = begun(userId);
      expect(await store.beginExport(next, first._id)).toBe(true);
      expect([await store.exportById(first._id), await store.exportOf(userId)]).toEqual([null, next]);
    });

    test("one worker has it in hand, until its lease is over", async () => {
      const one = begun();
      await store.beginExport(one, undefined);
      const hands = (await atOnce(8, () => store.takeExport(uuid(), now, 1000))).filter((taken) => taken?._id === one._id);
      expect(hands).toHaveLength(1);
      const [held] = hands as [TakenExport];
      expect(await store.leaseExport(held, now + 2000)).toBe(true);
      await expect(take(one._id, now + 1500)).rejects.toThrow("does not wait");
      const second = await take(one._id, now + 2000);
      expect(await store.leaseExport(held, later)).toBe(false);
      expect(await store.finishExport(held, made, undefined)).toBeNull();
      const mail = { mail: uuid(), mailsAt: uuid() };
      const ready = await store.finishExport(second, made, mail);
      expect(ready).toMatchObject({ state: "ready", worker: second.worker, mails: [mail.mail], mailsAt: mail.mailsAt });
      expect(await store.leaseExport(second, later)).toBe(false);
    });

    test("it is made of the parts of whoever finished it", async () => {
      const one = begun();
      await store.beginExport(one, undefined);
      const dead = await take(one._id);
      await store.putPart(dead, 0, "dead");
      const alive = await take(one._id, now + 1000);
      await store.putPart(alive, 0, "alive");
      const ready = (await store.finishExport(alive, made, undefined))!;
      expect(await store.partOf(ready, 0)).toMatchObject({ base64: "alive" });
      expect([await store.partOf(dead, 0), await store.partOf(ready, 1)]).toEqual([null, null]);
      // What it still did meanwhile.
      await store.putPart(dead, 1, "dead");
      await store.removeParts(dead);
      expect([await store.partOf(dead, 1), await store.partOf(ready, 0)]).toEqual([null, expect.anything()]);
    });

    test("what is over goes, with its parts, and nothing else", async () => {
      const [over, kept] = [{ ...begun(), expiresAt: now }, begun()];
      for (const one of [over, kept]) await store.beginExport(one, undefined);
      const hands = [over, kept].map((one) => ({ ...one, worker: uuid() }));
      for (const one of hands) await store.putPart(one, 0, "part");
      await store.sweep(now);
      expect([await store.exportById(over._id), await store.partOf(hands[0]!, 0)]).toEqual([null, null]);
      expect([await store.exportById(kept._id), await store.partOf(hands[1]!, 0)]).toEqual([kept, expect.anything()]);
    });

    test("with an account go its pictures and its archive, and nobody else's", async () => {
      const [gone, kept] = [begun(), begun()];
      for (const one of [gone, kept]) {
        await store.beginExport(one, undefined);
        await store.putPart({ ...one, worker: "worker" }, 0, "part");
        await store.putAvatar({ _id: one.userId, userId: one.userId, type: "image/webp", base64: "AAAA", createdAt: now });
      }
      await store.eraseOf(gone.userId);
      const left = ({ _id, userId }: StoredExport) =>
        Promise.all([store.exportById(_id), store.partOf({ ...gone, _id, worker: "worker" }, 0), store.avatarById(userId)]);
      expect(await left(gone)).toEqual([null, null, null]);
      expect((await left(kept)).every(Boolean)).toBe(true);
    });

    test("one that is over is not begun any more", async () => {
      const over = { ...begun(), expiresAt: now };
      await store.beginExport(over, undefined);
      await expect(take(over._id)).rejects.toThrow("does not wait");
    });
  });
}
