// A node whose store is migrated while it is written to; migrations.spec.ts kills it. Says on stdout what it has done:
// `wrote <id> <name>` after a write was acknowledged, `saved <progress>`.
// `prepare` stores the fixture, `look` prints the store, `future` leaves the store of `user` as a newer version would.

import { setTimeout as pause } from "node:timers/promises";
import type { Collection } from "@confab/mixins/store/collection.ts";
import { schemas, type StoredSchema } from "@confab/mixins/store/migrations.ts";
import {
  addSortName,
  fixture,
  migrationsOf,
  people,
  personId,
  rename,
  sortNameOf,
  type StoredPerson,
} from "@confab/mixins/store/migrations.testing.ts";
import { store, storeSettings } from "@confab/mixins/store/store.mixin.ts";
import { ServiceBroker, type ServiceSchema } from "moleculer";

const [task, count, name, leaseMs] = [process.argv[2]!, Number(process.argv[3]), process.argv[4]!, Number(process.argv[5])];
const say = (line: string) => process.stdout.write(`${line}\n`);

interface Opened {
  all: Collection<StoredPerson>;
  schema: Collection<StoredSchema>;
}

/** In small batches, so that a kill meets it in the middle. */
const migrations = migrationsOf(async ({ database, progress, save }) => {
  const all = await database.collection(people);
  say(`began ${progress ?? "anew"}`);
  for (let after = progress ?? ""; ;) {
    const found = await all.find({ _id: { $gt: after } }, { sort: { _id: 1 }, limit: 10 });
    for (const person of found) await addSortName(all, person);
    if (found.length < 10) return;
    await save((after = found.at(-1)!._id));
    say(`saved ${after}`);
    await pause(10);
  }
});

const broker = new ServiceBroker({ logger: false });
const service = broker.createService({
  name: task === "future" ? "user" : "people",
  mixins: [
    store<Opened>(
      async (database) => ({ all: await database.collection(people), schema: await database.collection(schemas) }),
      task === "work" || task === "look" ? migrations : [],
      { leaseMs },
    ),
  ],
  settings: storeSettings.read(process.env),
} as unknown as ServiceSchema);
await broker.start();
const { all, schema } = (service as unknown as { store: Opened }).store;

if (task === "future") await schema.updateOne({ _id: "schema" }, { $set: { number: 8, minimumReader: 7 } });
else if (task === "prepare") await all.insertMany(fixture(count), true);
else if (task === "look") say(JSON.stringify(await all.find({ _id: { $gt: "" } }, { sort: { _id: 1 } })));
else {
  let ended = false;
  for (let at = 0; !ended; at++) {
    const _id = at % 3 === 0 ? `new:${name}:${at}` : personId((at * 37) % count);
    const given = `${name} ${String(at).padStart(6, "0")}`;
    if (at % 3 === 0) await all.insert({ _id, name: given, sortName: sortNameOf(given) });
    else await rename(all, _id, given);
    say(`wrote ${_id} ${given}`);
    ended = (await schema.findOne({ _id: "schema" }))!.number === 2;
    await pause(2);
  }
}
await broker.stop();
