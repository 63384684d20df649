/* A store of an older schema, and how it is brought forward. */
import { collection, type Collection } from "./collection.ts";
import { changeEach, type Migration } from "./migrations.ts";

export interface StoredPerson {
  _id: string;
  name: string;
  /** Written since schema 1. */
  sortName?: string;
}

export const people = collection<StoredPerson>("people", [
  { name: "sortName", fields: ["sortName"], sparse: true, carries: "People in the order of their names." },
]);

export const personId = (at: number) => `person:${String(at).padStart(6, "0")}`;
export const sortNameOf = (name: string) => name.toLowerCase().split(" ").toReversed().join(", ");

/** What a version with schema 0 has stored. */
export const fixture = (count: number): StoredPerson[] =>
  Array.from({ length: count }, (_, at) => ({ _id: personId(at), name: `Ann${at} Baker` }));

/** The name and what is derived from it change by one write. */
export const rename = (all: Collection<StoredPerson>, _id: string, name: string) =>
  all.updateOne({ _id }, { $set: { name, sortName: sortNameOf(name) } });

/** Gives a person what schema 1 writes, unless the person was renamed meanwhile. */
export const addSortName = (all: Collection<StoredPerson>, { _id, name }: StoredPerson) =>
  all.updateOne({ _id, name, sortName: { $exists: false } }, { $set: { sortName: sortNameOf(name) } });

/** Schema 1 writes sort names, schema 2 says that everybody has one. */
export function migrationsOf(run?: Migration["run"]): Migration[] {
  return [
    { number: 1, name: "write sort names", minimumReader: 0 },
    {
      number: 2,
      name: "add missing sort names",
      minimumReader: 1,
      run:
        run ??
        (async (given) => {
          const all = await given.database.collection(people);
          await changeEach(given, all, async (person) => addSortName(all, person));
        }),
    },
  ];
}
