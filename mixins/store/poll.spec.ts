import { collection, type Collection } from "./collection.ts";
import { updateIfAny } from "./poll.ts";
import { openTestStore } from "./testing.ts";

interface Job {
  _id: string;
  dueAt: number;
  takes: number;
}
const jobs = collection<Job>("jobs", [{ name: "due", fields: ["dueAt"], carries: "the test" }]);

test("it writes only if there is something to change, and changes it once", async () => {
  const all: Collection<Job> = await openTestStore().collection(jobs);
  let writes = 0;
  const counting = {
    findOne: all.findOne.bind(all),
    updateOne: (...asked: Parameters<typeof all.updateOne>) => (writes++, all.updateOne(...asked)),
  };
  const take = () => updateIfAny(counting, { dueAt: { $lte: 5 } }, { $set: { dueAt: 10 }, $inc: { takes: 1 } });
  expect(await take()).toBeNull();
  expect(writes).toBe(0);
  await all.insert({ _id: "a", dueAt: 5, takes: 0 });
  const taken = await Promise.all([take(), take(), take()]);
  expect(taken.filter((job) => job !== null)).toEqual([{ _id: "a", dueAt: 10, takes: 1 }]);
  expect(await take()).toBeNull();
});
