import fs, { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { join } from "node:path";
import type { Database } from "@confab/mixins/store/collection.ts";
import { openNedb } from "@confab/mixins/store/nedb.ts";
import type { Service } from "moleculer";
import { chatStoreSuite } from "./chat.store.suite.ts";
import { ChatStore } from "./chat.store.ts";
import { place, type StoredEntry } from "./documents.ts";
import type { StoredState } from "./projections.ts";

const service = { name: "chat", broker: {}, logger: console } as unknown as Service;

describe("in files", () => {
  const folder = mkdtempSync(join(tmpdir(), "confab-"));
  let database: Database | undefined;
  afterAll(() => rmSync(folder, { recursive: true }));

  const reopen = async () => {
    await database?.close();
    database = openNedb(service, folder);
    return ChatStore.open(database);
  };
  chatStoreSuite(reopen);

  const entry = (rev: number) =>
    ({ _id: place("kept", rev), chatId: "kept", rev, seq: rev, seqKey: place("kept", rev), key: `k${rev}` }) as StoredEntry;
  const file = join(folder, "chat", "entries.db");

  test("what is stored is there after a restart, and half a line that a killed process left is not", async () => {
    await (await reopen()).append([entry(1), entry(2)], true);
    appendFileSync(file, '{"_id":"kept:000000000003","chatId":"kept","rev":3,"te');
    const store = await reopen();
    expect((await store.entriesAfter("kept", 0, 10)).map(({ rev }) => rev)).toEqual([1, 2]);
    // The place that was half taken is free, and the next line is whole.
    expect(await store.append([entry(3)], false)).toEqual(["stored"]);
    expect((await (await reopen()).entriesAfter("kept", 0, 10)).map(({ rev }) => rev)).toEqual([1, 2, 3]);
  });

  test("G1: a disk that is full acknowledges nothing, and goes on when there is room", async () => {
    const store = await reopen();
    const before = (await store.entriesAfter("kept", 0, 10)).length;
    const write = fs.writeSync;
    let room = true;
    // Half of the line fits.
    const full = jest.spyOn(fs, "writeSync").mockImplementation(((fd: number, bytes: Buffer, at: number) => {
      if (!room) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
      room = false;
      return write(fd, bytes, at, Math.floor(bytes.length / 2));
    }) as never);
    const next = entry(before + 1);
    await expect(store.append([next], false)).rejects.toThrow("not available");
    full.mockRestore();
    // It is in memory alone, so it is not there.
    expect((await store.entriesAfter("kept", 0, 10)).length).toBe(before);
    expect(await store.append([next], false)).toEqual(["stored"]);
    expect((await (await reopen()).entriesAfter("kept", 0, 10)).length).toBe(before + 1);
  });

  test("files grow with what there is, not with what was", async () => {
    const store = await reopen();
    const state = (rev: number) => ({ _id: "busy", rev, members: [], title: "x".repeat(1000) }) as unknown as StoredState;
    for (let rev = 1; rev <= 1200; rev++) await store.keepState(state(rev));
    await pause(100);
    expect(statSync(join(folder, "chat", "states.db")).size).toBeLessThan(600_000);
    expect(await (await reopen()).statesOf(["busy"])).toEqual([state(1200)]);
  });

  test("a damaged line in the middle stops the start", async () => {
    appendFileSync(file, 'damage\n{"_id":"x"}\n');
    await expect(reopen()).rejects.toThrow(/corrupt/);
  });
});

test("a second process is kept out of the files of the first", () => {
  const folder = mkdtempSync(join(tmpdir(), "confab-"));
  const file = join(folder, "chat", "lock");
  const first = openNedb(service, folder);
  rmSync(file);
  // The process that started this one is alive, and is not us.
  const stat = readFileSync(`/proc/${process.ppid}/stat`, "utf8");
  const born = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]!;
  writeFileSync(file, `${process.ppid} ${born}`);
  expect(() => openNedb(service, folder)).toThrow(`in use by process ${process.ppid}`);
  // The same number, after a reboot: another process.
  writeFileSync(file, `${process.ppid} 1`);
  expect(() => openNedb(service, folder)).not.toThrow();
  void first.close();
  rmSync(folder, { recursive: true });
});
