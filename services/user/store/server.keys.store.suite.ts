import { v7 as uuid } from "uuid";
import { maxServerKeys, type ServerKeyStore } from "./server.keys.store.ts";

/** What any store of server keys must do, whatever database is below. */
export function serverKeyStoreSuite(open: () => Promise<ServerKeyStore>): void {
  let store: ServerKeyStore;
  beforeAll(async () => void (store = await open()));

  const now = Date.now();
  const key = (of: { expiresAt?: number } = {}) => ({
    ...{ _id: uuid(), name: "backend", hash: "hash", scopes: ["users" as const], createdBy: "system", createdAt: now },
    ...of,
  });
  const remove = async () => void (await Promise.all((await store.good(0)).map(({ _id }) => store.remove(_id))));
  afterEach(remove);

  test("many made at once are no more than there is room for; a removed one makes room", async () => {
    const keys = Array.from({ length: maxServerKeys + 5 }, () => key());
    const added = await Promise.all(keys.map((one) => store.add(one, now)));
    expect(added.filter(Boolean)).toHaveLength(maxServerKeys);
    expect(await store.good(now)).toHaveLength(maxServerKeys);

    const [first] = await store.good(now);
    expect(await store.remove(first!._id)).toBe(true);
    expect(await store.remove(first!._id)).toBe(false);
    expect(await store.add(key(), now)).toBe(true);
  });

  test("what has expired is not among the good ones, and makes room", async () => {
    for (let count = 0; count < maxServerKeys; count++) await store.add(key({ expiresAt: now + 1000 }), now);
    expect(await store.add(key(), now + 999)).toBe(false);
    expect(await store.good(now + 1000)).toEqual([]);
    expect(await store.add(key(), now + 1000)).toBe(true);
    expect(await store.good(now)).toHaveLength(1);
  });

  test("a use is noted", async () => {
    const one = key();
    await store.add(one, now);
    await store.noteUse(one._id, now + 5);
    expect(await store.byId(one._id)).toEqual({ ...one, slot: 0, lastUsedAt: now + 5 });
    expect(await store.byId(uuid())).toBeNull();
  });
}
