import type { Collection, Database } from "@confab/mixins/store/collection.ts";
import { openNedb } from "@confab/mixins/store/nedb.ts";
import { ServiceBroker } from "moleculer";
import { makeJob } from "../job.ts";
import { deadKeptMs } from "../queue/queue.ts";
import * as documents from "./documents.ts";
import type { StoredJob } from "./documents.ts";
import { MailStore } from "./mail.store.ts";
import { mailStoreSuite } from "./mail.store.suite.ts";
import { addDead } from "./testing.ts";

const service = new ServiceBroker({ logger: false }).createService({ name: "mail" });
const database = openNedb(service, "memory");
afterAll(() => database.close());

mailStoreSuite(() => MailStore.open(database));

describe("many", () => {
  const now = 2 * deadKeptMs;
  const code = () => makeJob({ template: "code", to: "ann@example.org", data: { code: "1", minutes: 10 } }, "confab@example.org");
  let jobs: Collection<StoredJob>;
  let store: MailStore;
  beforeEach(async () => {
    jobs = await database.collection(documents.jobs);
    store = await MailStore.open({ ...database, collection: async () => jobs } as unknown as Database);
  });

  test("that are dead are not looked through for what is due", async () => {
    const [dead, given, waiting] = [code(), code(), code()];
    await addDead(store, dead, "550", now);
    for (const job of [given, waiting]) await store.addJob(job, now);
    await store.endDead((await store.takeJob(given.id, "one", now, 100))!, "550", now, 1);
    const due = await jobs.find({ dueAt: { $lte: now + deadKeptMs } });
    expect(due.map(({ _id }) => _id)).toEqual([waiting.id]);
  });

  test("are looked for once by a sweep, and not once more for each", async () => {
    const dead = Array.from({ length: 20 }, code);
    for (const [at, job] of dead.entries()) await addDead(store, job, "550", at);
    const [find, updateOne] = [jest.spyOn(jobs, "find"), jest.spyOn(jobs, "updateOne")];
    await store.sweep(now);
    // Each such look goes through all that was sent, where it finds them by no index.
    expect(find.mock.calls.length).toBeLessThan(5);
    for (const [filter] of find.mock.calls) expect(filter).toHaveProperty("dueAt");
    for (const [filter] of updateOne.mock.calls) expect(dead.map(({ id }) => id)).toContain(filter._id);
    for (const { id } of dead) expect(await store.jobById(id)).not.toHaveProperty("job");
  });
});
