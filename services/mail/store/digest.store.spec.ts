import { openTestStore } from "@confab/mixins/store/testing.ts";
import { DigestStore } from "./digest.store.ts";
import { digestStoreSuite } from "./digest.store.suite.ts";

const database = openTestStore();
afterAll(() => database.close());

let store: Promise<DigestStore> | undefined;
digestStoreSuite(() => (store ??= DigestStore.open({ ...database, shared: true })));

test("embedded, who had somebody in hand or was looking is dead when a process starts", async () => {
  const mine = await DigestStore.open(openTestStore());
  await mine.note(new Map([["ann", { at: 1 }]]), 0);
  await mine.takePending("dead", 10, 1_000_000);
  await mine.beginScan("a", 1, "dead");
  await mine.claimScan("dead", 10, 1_000_000);
  await mine.releaseAll(20);
  expect(await mine.takePending("alive", 20, 30)).toMatchObject({ _id: "ann" });
  expect(await mine.claimScan("alive", 20, 30)).toMatchObject({ worker: "alive" });
});
