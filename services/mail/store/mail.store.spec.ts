import type { Collection, CollectionSchema, Database } from "@confab/mixins/store/collection.ts";
import { openTestStore } from "@confab/mixins/store/testing.ts";
import { makeJob } from "../job.ts";
import { deadKeptMs } from "../queue/queue.ts";
import * as documents from "./documents.ts";
import type { StoredJob } from "./documents.ts";
import { MailStore } from "./mail.store.ts";
import { mailStoreSuite } from "./mail.store.suite.ts";
import { addDead } from "./testing.ts";

const database = openTestStore();
afterAll(() => database.close());

mailStoreSuite(() => MailStore.open(database));

describe("many", () => {
  const now = 2 * deadKeptMs;
  const code = () => makeJob({ template: "code", to: "ann@example.org", data: { code: "1", minutes: 10 } }, "confab@example.org");
  let jobs: Collection<StoredJob>;
  let store: MailStore;
  beforeEach(async () => {
    jobs = await database.collection(documents.jobs);
    const open = (schema: CollectionSchema<never>) => (schema.name === "jobs" ? jobs : database.collection(schema));
    store = await MailStore.open({ ...database, collection: open } as unknown as Database);
  });

  test("are looked for once by a sweep, and not once more for each", async () => {
    const dead = Array.from({ length: 20 }, code);
    for (const [at, job] of dead.entries()) await addDead(store, job, "550", at);
    const [find, updateOne] = [jest.spyOn(jobs, "find"), jest.spyOn(jobs, "updateOne")];
    await store.sweep(now);
    expect(find.mock.calls.length).toBeLessThan(5);
    for (const [filter] of updateOne.mock.calls) expect(dead.map(({ id }) => id)).toContain(filter._id);
    for (const { id } of dead) expect(await store.jobById(id)).not.toHaveProperty("job");
  });
});
