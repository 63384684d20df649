import { Conflict, type Database } from "@confab/mixins/store/collection.ts";
import { DeclineStore } from "./decline.store.ts";

test("a key that another node is just storing is waited for: without it a mail could not be made, and would be dead", async () => {
  const key = { _id: "unsubscribe", key: Buffer.alloc(32, 7).toString("base64url"), madeAt: 0 };
  const seen = [null, null, null, key];
  const keys = { findOne: async () => seen.shift(), insert: () => Promise.reject(new Conflict("_id")) };
  const store = await DeclineStore.open({ collection: async () => keys } as unknown as Database);
  expect(await store.key()).toEqual(Buffer.alloc(32, 7));
  expect(seen).toEqual([]);
});
