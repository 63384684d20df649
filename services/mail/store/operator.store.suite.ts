import { v7 as uuid } from "uuid";
import { makeJob, type Job } from "../job.ts";
import { deadKeptMs } from "../queue/queue.ts";
import type { DeclineStore } from "./decline.store.ts";
import type { MailStore } from "./mail.store.ts";
import type { OperatorStore } from "./operator.store.ts";
import { addDead } from "./testing.ts";

export interface OpenStores {
  store: MailStore;
  operators: OperatorStore;
  /** Two nodes, as it were. */
  declines: [DeclineStore, DeclineStore];
}

/** What operators ask of every store of mail. */
export function operatorStoreSuite(open: () => Promise<OpenStores>): void {
  let stores: OpenStores;
  beforeAll(async () => (stores = await open()));

  const code = (to: string) => makeJob({ template: "code", to, data: { code: "123456", minutes: 10 } }, "confab@example.org");
  const newAddress = () => `${uuid()}@example.org`;
  async function dead(address = newAddress(), endedAt = Date.now()): Promise<Job> {
    const job = code(address);
    await addDead(stores.store, job, "no such user", endedAt);
    return job;
  }

  test("mails are listed by address and state, the newest first, page by page", async () => {
    const { store, operators } = stores;
    const address = newAddress();
    const jobs: Job[] = [];
    for (let at = 0; at < 5; at++) jobs.push(await dead(address));
    const waiting = code(address);
    await store.addJob(waiting, Date.now() + 1e9);
    await dead();
    const ids = jobs.map(({ id }) => id).reverse();
    const listed = async (...asked: Parameters<OperatorStore["jobsBefore"]>) =>
      (await operators.jobsBefore(...asked)).map(({ _id }) => _id);
    expect(await listed({ address }, 10)).toEqual([waiting.id, ...ids]);
    expect(await listed({ address, state: "dead" }, 3)).toEqual(ids.slice(0, 3));
    expect(await listed({ address, state: "dead" }, 3, ids[2])).toEqual(ids.slice(3));
    expect(await listed({ address, template: "digest" }, 3)).toEqual([]);
    expect(await listed({ state: "waiting" }, 1)).toEqual([waiting.id]);
    expect((await listed({}, 2))[1]).toBe(waiting.id);
  });

  test("of fifty that replay a mail at once one does, and it is as if it were new", async () => {
    const { store, operators } = stores;
    const { id } = await dead();
    const tried = await Promise.all(Array.from({ length: 50 }, () => operators.replay(id, 5000)));
    expect(tried.filter((job) => job !== null)).toHaveLength(1);
    const job = (await store.jobById(id))!;
    expect(job).toMatchObject({ state: "waiting", failures: 0, dueAt: 5000 });
    expect(job.replayedAt).toBe(5000);
    for (const gone of ["endedAt", "reason", "worker", "takes"]) expect(job).not.toHaveProperty(gone);
    expect(job.history.map(({ what }) => what)).toEqual(["accepted", "dead", "replayed"]);
    // And is taken, sent, and never replayed after.
    const taken = (await store.takeJob(id, "one", 5000, 100))!;
    expect(await operators.replay(id, 5000)).toBeNull();
    await store.endSent(taken, "250 ok", 5001);
    expect(await operators.replay(id, 5000)).toBeNull();
    expect(await store.jobById(id)).not.toHaveProperty("replayedAt");
  });

  test("what it said is kept for a week; after that it is dead for good", async () => {
    const { store, operators } = stores;
    const address = newAddress();
    const old = await dead(address, Date.now() - deadKeptMs - 1);
    const young = await dead(address);
    await store.sweep(Date.now());
    expect(await operators.replay(old.id, 5000)).toBeNull();
    expect((await operators.replayableBefore({ address }, 10)).map(({ _id }) => _id)).toEqual([young.id]);
    expect(await operators.replayableBefore({ address }, 10, young.id)).toEqual([]);
  });

  test("the oldest that wait are found, and what is in a state is counted, up to a limit", async () => {
    const { store, operators } = stores;
    const [first, second] = [code(newAddress()), code(newAddress())];
    const before = await operators.countIn("waiting", 1000);
    for (const job of [second, first]) await store.addJob(job, 0);
    expect(await operators.countIn("waiting", 1000)).toBe(before + 2);
    expect(await operators.countIn("waiting", before + 1)).toBe(before + 1);
    const waiting = (await operators.oldestWaiting(1000)).map(({ _id }) => _id);
    expect(waiting).toEqual(waiting.toSorted());
    expect(waiting.slice(-2)).toEqual([first.id, second.id]);
  });

  test("however many were replayed, the one that has waited longest is found among the others, and the same of those", async () => {
    const { store, operators } = stores;
    const [older, old] = [await dead(), await dead()];
    const waiting = code(newAddress());
    await store.addJob(waiting, 0);
    for (const [at, { id }] of [older, old].entries()) await operators.replay(id, 7 - at);
    expect((await operators.oldestWaiting(1000)).map(({ _id }) => _id).slice(-1)).toEqual([waiting.id]);
    expect(await operators.oldestReplayed()).toMatchObject({ _id: old.id, replayedAt: 6 });
    await store.endDead((await store.takeJob(old.id, "one", 7, 100))!, "550", 8, 1);
    expect(await operators.oldestReplayed()).toMatchObject({ _id: older.id, replayedAt: 7 });
    await store.endDead((await store.takeJob(older.id, "one", 7, 100))!, "550", 8, 1);
    expect(await operators.oldestReplayed()).toBeNull();
  });

  test("a refusal is forgotten when it is forgiven", async () => {
    const { store, operators } = stores;
    const address = newAddress();
    expect(await operators.addressOf(address)).toBeNull();
    await operators.forgive(address);
    await store.noteRefusal(address, "550 no such user", 7);
    expect(await operators.addressOf(address)).toMatchObject({ refusedAt: 7, answer: "550 no such user" });
    await operators.forgive(address);
    expect(await operators.addressOf(address)).toBeNull();
    expect(await store.isRefused(address)).toBe(false);
  });

  test("nodes that make the key at once have the same one", async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, (_, at) => stores.declines[at % 2]!.key()));
    expect(new Set(keys.map((key) => key.toString("hex"))).size).toBe(1);
    expect(keys[0]).toHaveLength(32);
  });
}
