import { v7 as uuid } from "uuid";
import type { StoredReport } from "./admin.store.ts";
import type { UserStore } from "./user.store.ts";

/** What any store of acts and reports must do, whatever database is below. */
export function adminStoreSuite(open: () => Promise<UserStore>): void {
  let store: UserStore["admin"];
  beforeAll(async () => void (store = (await open()).admin));

  const now = Date.now();
  const atOnce = <T>(count: number, act: () => Promise<T>) => Promise.all(Array.from({ length: count }, act));
  const report = (of: Partial<StoredReport> = {}) => {
    const [by, userId] = [uuid(), uuid()];
    return {
      ...{ _id: uuid(), openKey: `${by}:${userId}:`, by, userId, reason: "spam" as const, text: "words", quote: "more words" },
      ...{ chatId: null, messageId: null, state: "open" as const, note: "", createdAt: now, closedAt: null, closedBy: null },
      ...of,
    };
  };

  test("the same report, made at once, is one; and another when the first was closed", async () => {
    const { by, userId, openKey } = report();
    const made = await atOnce(6, () => store.addReport(report({ by, userId, openKey })));
    expect(new Set(made.map(({ _id }) => _id)).size).toBe(1);
    await store.changeReport(made[0]!._id, { state: "resolved", closedAt: now, closedBy: uuid() });
    const next = report({ by, userId, openKey });
    expect((await store.addReport(next))._id).toBe(next._id);
  });

  test("acts are read from the latest on, by who did them or had them done", async () => {
    const [by, target] = [uuid(), uuid()];
    const acts = Array.from({ length: 5 }, (_, at) => ({
      ...{ _id: uuid(), at: now, by, action: "a", target: at % 2 ? target : null, address: "", details: "{}" },
    }));
    for (const act of acts) await store.noteAct(act);
    const ids = acts.map(({ _id }) => _id).reverse();
    const first = await store.actsBefore({ by }, 3);
    expect(first.map(({ _id }) => _id)).toEqual(ids.slice(0, 3));
    expect((await store.actsBefore({ by }, 3, first.at(-1)!._id)).map(({ _id }) => _id)).toEqual(ids.slice(3));
    expect(await store.actsBefore({ target }, 9)).toHaveLength(2);
  });

  test("of an erased person nothing is left that they told, and no words that were told of them", async () => {
    const [told, aboutThem, other] = [report(), report(), report()];
    for (const one of [told, aboutThem, other]) await store.addReport(one);
    await store.changeReport(aboutThem._id, { state: "open", note: "their name", closedAt: null, closedBy: null });
    await store.eraseOf(told.by);
    await store.eraseOf(aboutThem.userId);
    expect(await store.reportById(told._id)).toBeNull();
    expect(await store.reportById(aboutThem._id)).toMatchObject({ text: "", quote: null, note: "", by: aboutThem.by });
    expect(await store.reportById(other._id)).toMatchObject({ text: "words", quote: "more words" });
  });

  test("acts of and about an erased person keep what was done and to whom, and nothing that anybody wrote", async () => {
    const [erased, other] = [uuid(), uuid()];
    const act = (by: string, target: string, details: object) => ({
      ...{ _id: uuid(), at: now, by, action: "ban", target, address: "192.0.2.1", details: JSON.stringify(details) },
    });
    const until = "2030-01-01T00:00:00.000Z";
    await store.noteAct(act(erased, other, { reason: "a word", until, state: "resolved" }));
    await store.noteAct(act(other, erased, { reason: "a word", until: null, id: erased, found: 1 }));
    const kept = act(other, other, { reason: "a word" });
    await store.noteAct(kept);
    await store.eraseOf(erased);
    await store.eraseOf(erased);
    const [did] = await store.actsBefore({ by: erased }, 9);
    expect([did!.address, JSON.parse(did!.details)]).toEqual(["", { until, state: "resolved" }]);
    const [had] = await store.actsBefore({ target: erased }, 9);
    expect([had!.address, JSON.parse(had!.details)]).toEqual(["192.0.2.1", { until: null, id: erased, found: 1 }]);
    expect(await store.actsBefore({ by: other, target: other }, 9)).toEqual([kept]);
  });
}
