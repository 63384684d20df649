import { setTimeout as pause } from "node:timers/promises";
import type { Collection, Database } from "./collection.ts";
import {
  changeEach,
  Migrator,
  SchemaRefused,
  schemas,
  type Migration,
  type MigrationRun,
  type StoredSchema,
} from "./migrations.ts";
import {
  addSortName,
  fixture,
  migrationsOf,
  people,
  personId,
  rename,
  sortNameOf,
  type StoredPerson,
} from "./migrations.testing.ts";
import { openOnce } from "./open-once.ts";

const count = 230;

/** What migrations do on any store. `open` gives an empty one. */
export function migrationsSuite(open: () => Promise<Database> | Database): void {
  let database: Database;
  let all: Collection<StoredPerson>;
  let schema: Collection<StoredSchema>;
  let lines: string[];
  let running: Migrator[];

  beforeEach(async () => {
    [lines, running] = [[], []];
    database = openOnce(await open());
    all = await database.collection(people);
    schema = await database.collection(schemas);
    await all.insertMany(fixture(count), true);
  });
  afterEach(async () => {
    await Promise.all(running.map((migrator) => migrator.stop()));
    await database.close();
  });

  const log = { info: (line: string) => void lines.push(line), warn: (line: string) => void lines.push(line) };
  /** A node; with `shared`, one of several. */
  async function node(migrations: readonly Migration[], { shared = true, leaseMs = 300 } = {}): Promise<Migrator> {
    const options = { place: "The data of test", migrations, log, leaseMs, retryMs: 20 };
    const migrator = await Migrator.open({ ...database, shared }, options);
    running.push(migrator);
    return migrator;
  }
  const stored = () => schema.findOne({ _id: "schema" });
  const everybody = (after = "", limit?: number) =>
    all.find({ _id: { $gt: after } }, { sort: { _id: 1 }, ...(limit ? { limit } : {}) });
  const lacking = async () => (await everybody()).filter(({ name, sortName }) => sortName !== sortNameOf(name));

  test("an older store is brought forward once, and records its schema", async () => {
    const first = await node(migrationsOf());
    expect(await stored()).toMatchObject({ number: 0, minimumReader: 0 });
    first.start();
    await first.done();
    expect(await lacking()).toEqual([]);
    expect(await stored()).toEqual({ _id: "schema", number: 2, minimumReader: 1, until: 0 });
    const run = jest.fn();
    const second = await node(migrationsOf(run));
    second.start();
    await second.done();
    expect(run).not.toHaveBeenCalled();
  });

  test("a node that is stopped gives its place to the next, which continues from what was saved", async () => {
    const [begun, seen] = [Promise.withResolvers<void>(), [] as (string | undefined)[]];
    const first = await node(
      migrationsOf(async ({ progress, save }) => {
        seen.push(progress);
        for (const person of await everybody("", 50)) await addSortName(all, person);
        await save(personId(49));
        begun.resolve();
        for (; ; await pause(1)) await save(personId(49));
      }),
      { leaseMs: 60_000 },
    );
    first.start();
    await begun.promise;
    await first.stop();
    expect(await stored()).toMatchObject({ number: 1, minimumReader: 1, progress: personId(49), until: 0 });
    const touched: string[] = [];
    const second = await node(
      migrationsOf(async (given) => {
        seen.push(given.progress);
        await continueFrom(given, touched);
      }),
      { leaseMs: 60_000 },
    );
    second.start();
    await second.done();
    expect(seen).toEqual([undefined, personId(49)]);
    expect(touched[0]).toBe(personId(50));
    expect(touched).toHaveLength(count - 50);
    expect(await lacking()).toEqual([]);
  });

  async function continueFrom({ progress }: MigrationRun, touched: string[]): Promise<void> {
    for (const person of await everybody(progress)) {
      touched.push(person._id);
      await addSortName(all, person);
    }
  }

  test("of several nodes at once one runs, and all are done when it is", async () => {
    let [inside, most, runs] = [0, 0, 0];
    // A busy machine renews it a second late.
    const leaseMs = 3000;
    const run: Migration["run"] = async ({ save }) => {
      [inside, runs] = [inside + 1, runs + 1];
      most = Math.max(most, inside);
      for (const person of await everybody()) await addSortName(all, person);
      // Longer than a lease that is not renewed.
      for (const end = Date.now() + leaseMs + 500; Date.now() < end; await pause(20)) await save("all");
      inside--;
    };
    const nodes = [1, 2, 3].map(() => node(migrationsOf(run), { leaseMs }));
    for (const one of await Promise.all(nodes)) one.start();
    await Promise.all(nodes.map(async (one) => (await one).done()));
    expect([most, runs]).toEqual([1, 1]);
    expect(await stored()).toMatchObject({ number: 2 });
  });

  test("a node that lost its lease saves nothing more, and does not end the migration", async () => {
    const begun = Promise.withResolvers<void>();
    const isLost = Promise.withResolvers<void>();
    const outcome = Promise.withResolvers<string>();
    const first = await node(
      migrationsOf(async ({ save }) => {
        begun.resolve();
        await isLost.promise;
        await save("late").then(
          () => outcome.resolve("saved"),
          (err: Error) => outcome.resolve(err.message),
        );
        throw new Error("over");
      }),
      { leaseMs: 60_000 },
    );
    first.start();
    await begun.promise;
    await schema.updateOne({ _id: "schema" }, { $set: { worker: "other", until: Date.now() + 60_000 } });
    isLost.resolve();
    expect(await outcome.promise).toBe("another node has the lease");
    await first.stop();
    // Nor does it give back what is not its own.
    expect(await stored()).toMatchObject({ number: 1, worker: "other" });
    expect(await stored()).not.toHaveProperty("progress");
  });

  test("an embedded store has one process: a lease that is left there holds nobody up", async () => {
    const first = await node(migrationsOf(), { shared: false });
    await schema.updateOne({ _id: "schema" }, { $set: { worker: "dead", until: Date.now() + 60_000 } });
    first.start();
    await first.done();
    expect(await lacking()).toEqual([]);
  });

  test("one that fails is tried again from what was saved, and says so", async () => {
    const seen: (string | undefined)[] = [];
    const first = await node(
      migrationsOf(async ({ progress, save }) => {
        seen.push(progress);
        if (seen.length > 2) return;
        await save(`at ${seen.length}`);
        throw new Error("the store is away");
      }),
    );
    first.start();
    await first.done();
    expect(seen).toEqual([undefined, "at 1", "at 2"]);
    expect(lines.filter((line) => line.includes("the store is away"))).toHaveLength(2);
  });

  test("what is written meanwhile stays as it was written", async () => {
    const first = await node(migrationsOf());
    const written = new Map<string, string>();
    let isDone = false;
    first.start();
    const writing = (async () => {
      for (let at = 0; !isDone || at < 30; at++) {
        const [_id, name] = [personId((at * 37) % count), `Zoe${at} Miller`];
        await rename(all, _id, name);
        written.set(_id, name);
        // A node of version N-1 inserts them: it knows schema 1.
        const added = { _id: personId(count + at), name: `New${at} Cook`, sortName: sortNameOf(`New${at} Cook`) };
        await all.insert(added);
        written.set(added._id, added.name);
        await pause(1);
      }
    })();
    await first.done();
    isDone = true;
    await writing;
    expect(await lacking()).toEqual([]);
    const names = new Map((await everybody()).map(({ _id, name }) => [_id, name]));
    for (const [_id, name] of written) expect(names.get(_id)).toBe(name);
  });

  test("a document that changes between its read and the migration's write keeps what was written", async () => {
    const first = await node(
      migrationsOf((given) =>
        changeEach(given, all, async (person) => {
          if (person._id === personId(3)) await rename(all, person._id, "Zoe Miller");
          await addSortName(all, person);
        }),
      ),
    );
    first.start();
    await first.done();
    expect(await all.findOne({ _id: personId(3) })).toMatchObject({ name: "Zoe Miller", sortName: "miller, zoe" });
    expect(await lacking()).toEqual([]);
  });

  test("a version that cannot read what it finds is refused, before it opens anything else, and says what to do", async () => {
    await schema.insert({ _id: "schema", number: 3, minimumReader: 3, until: 0 });
    const refused = node(migrationsOf());
    await expect(refused).rejects.toThrow(SchemaRefused);
    await expect(refused).rejects.toThrow(
      "The data of test has schema 3, which needs a version that knows schema 3 or a later one; " +
        "this version knows schema 2. Start a newer version, or choose another store.",
    );
  });

  test("G9: a version that can read what a newer one has migrated serves on, and runs nothing", async () => {
    await schema.insert({ _id: "schema", number: 3, minimumReader: 2, until: 0 });
    const run = jest.fn();
    const one = await node(migrationsOf(run));
    one.start();
    await one.done();
    expect(run).not.toHaveBeenCalled();
    expect(await stored()).toMatchObject({ number: 3, minimumReader: 2 });
  });

  test("G9: what a version must know to read the store is recorded before the first document changes", async () => {
    let seen: StoredSchema | null = null;
    const one = await node(migrationsOf(async () => void (seen = await stored())));
    one.start();
    await one.done();
    expect(seen).toMatchObject({ number: 1, minimumReader: 1 });
  });

  test.each([
    ["leaves a number out", [{ number: 2, name: "two", minimumReader: 0 }], "must have the number 1"],
    ["wants a reader of the future", [{ number: 1, name: "one", minimumReader: 2 }], "from 0 to 1"],
    [
      "lets older readers in again",
      [
        { number: 1, name: "one", minimumReader: 1 },
        { number: 2, name: "two", minimumReader: 0 },
      ],
      "from 1 to 2",
    ],
  ])("a list that %s is a mistake", async (_, migrations, message) => {
    await expect(node(migrations)).rejects.toThrow(message);
  });
}
