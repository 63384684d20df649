import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "@confab/mixins/store/collection.ts";
import { openTestStore } from "@confab/mixins/store/testing.ts";
import { ChatStore } from "./chat.store.ts";
import { chatStoreSuite } from "./chat.store.suite.ts";
import { place, type StoredEntry } from "./documents.ts";

describe("in files", () => {
  const folder = mkdtempSync(join(tmpdir(), "confab-"));
  let database: Database | undefined;
  let store: ChatStore | undefined;
  const close = async () => {
    await store?.close();
    await database?.close();
  };
  afterAll(async () => {
    await close();
    rmSync(folder, { recursive: true });
  });

  const reopen = async () => {
    await close();
    database = openTestStore("chat", folder);
    return (store = await ChatStore.open(database));
  };
  chatStoreSuite(reopen);

  const entry = (rev: number) =>
    ({ _id: place("kept", rev), chatId: "kept", rev, seq: rev, seqKey: place("kept", rev), key: `k${rev}` }) as StoredEntry;

  test("what is stored is there after a restart, whole and in order", async () => {
    await (await reopen()).append([entry(1), entry(2)], true);
    const store = await reopen();
    expect(await store.entriesAfter("kept", 0, 10)).toEqual([entry(1), entry(2)]);
    expect(await store.append([entry(3)], false)).toEqual(["stored"]);
    expect((await (await reopen()).messagesBetween("kept", 2, 3)).map(({ rev }) => rev)).toEqual([2, 3]);
  });
});
