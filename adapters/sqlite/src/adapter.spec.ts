import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import DbService from "moleculer-db";
import { SqliteAdapter, SqliteDatabase, type AdapterOptions } from "./index.ts";

/** What the default adapter of moleculer-db and this one have in common. */
interface Adapter extends Pick<SqliteAdapter, "connect" | "disconnect" | "find" | "count" | "insert" | "insertMany" | "clear"> {
  init: (broker: ServiceBroker, service: never) => void;
  findOne: SqliteAdapter["findOne"];
  findById: SqliteAdapter["findById"];
  findByIds: SqliteAdapter["findByIds"];
  updateMany: SqliteAdapter["updateMany"];
  updateById: SqliteAdapter["updateById"];
  removeMany: SqliteAdapter["removeMany"];
  removeById: (id: unknown) => Promise<unknown>;
  beforeSaveTransformID: SqliteAdapter["beforeSaveTransformID"];
  afterRetrieveTransformID: SqliteAdapter["afterRetrieveTransformID"];
}
const { MemoryAdapter } = DbService as unknown as { MemoryAdapter: new () => Adapter };

const folder = mkdtempSync(join(tmpdir(), "sqlite-adapter-"));
afterAll(() => rmSync(folder, { recursive: true }));

const people = [
  { _id: "ann", name: "Ann", age: 31, tags: ["admin", "early"], address: { city: "Ulm", zip: 1 } },
  { _id: "bob", name: "Bob", age: 27, tags: [], address: { city: "Bonn", zip: 2 } },
  { _id: "cyd", name: "cyd ann", age: 27, left: null },
  { _id: "dan", name: "Dan", age: 44, address: { city: "Ulm", zip: 3 } },
  { _id: 7, name: "Eve", age: 19 },
];
const byId = (documents: unknown) =>
  Array.isArray(documents) ? [...documents].sort((a, b) => (String(a._id) < String(b._id) ? -1 : 1)) : documents;

describe("as moleculer-db's default adapter", () => {
  let adapters: [Adapter, SqliteAdapter];
  beforeEach(async () => {
    adapters = [new MemoryAdapter(), new SqliteAdapter({ name: "people" })];
    for (const adapter of adapters) {
      await adapter.connect();
      await adapter.insertMany(structuredClone(people));
    }
  });
  afterEach(() => adapters[1].disconnect());

  test.each([
    ["find all", (a: Adapter) => a.find({})],
    ["find by value", (a: Adapter) => a.find({ query: { age: 27 } })],
    ["find by element", (a: Adapter) => a.find({ query: { tags: "admin" } })],
    ["find by a nested field", (a: Adapter) => a.find({ query: { "address.city": "Ulm" } })],
    ["find by a range", (a: Adapter) => a.find({ query: { age: { $gte: 27, $lt: 40 } } })],
    ["find by text range", (a: Adapter) => a.find({ query: { name: { $gt: "Bob" } } })],
    [
      "find by $in, $nin and $ne",
      (a: Adapter) => a.find({ query: { age: { $in: [27, 19], $nin: [19] }, name: { $ne: "Bob" } } }),
    ],
    ["find by $exists", (a: Adapter) => a.find({ query: { left: { $exists: true }, tags: { $exists: false } } })],
    ["find by $or", (a: Adapter) => a.find({ query: { $or: [{ age: 44 }, { "address.zip": 2 }] } })],
    ["find by $and", (a: Adapter) => a.find({ query: { $and: [{ age: 27 }, { name: "Bob" }] } })],
    ["find nothing", (a: Adapter) => a.find({ query: { name: "Zoe" } })],
    ["sort up", (a: Adapter) => a.find({ sort: ["name"] })],
    ["sort down by two", (a: Adapter) => a.find({ sort: ["-age", "name"] })],
    ["sort by a nested field", (a: Adapter) => a.find({ query: { "address.zip": { $gt: 0 } }, sort: ["-address.zip"] })],
    ["a page", (a: Adapter) => a.find({ sort: ["name"], limit: 2, offset: 1 })],
    ["limit 0 is no limit", (a: Adapter) => a.find({ sort: ["name"], limit: 0, offset: 0 })],
    ["a page past the end", (a: Adapter) => a.find({ sort: ["name"], limit: 2, offset: 10 })],
    ["search in all fields", (a: Adapter) => a.find({ search: "ANN" })],
    [
      "search in some fields",
      (a: Adapter) => a.find({ search: "ann", searchFields: ["name"], sort: ["name"], limit: 1, offset: 1 }),
    ],
    ["search finds no missing field", (a: Adapter) => a.find({ search: "undefined", searchFields: ["left", "tags"] })],
    ["an empty list of fields is all", (a: Adapter) => a.find({ search: "bob", searchFields: [] })],
    ["an empty search", (a: Adapter) => a.find({ search: "", query: { age: 19 } })],
    ["count", (a: Adapter) => a.count()],
    ["count by query", (a: Adapter) => a.count({ query: { age: 27 } })],
    ["count by search", (a: Adapter) => a.count({ search: "ann", searchFields: ["name"] })],
    ["findOne", (a: Adapter) => a.findOne({ name: "Dan" })],
    ["findOne, none", (a: Adapter) => a.findOne({ name: "Zoe" })],
    ["findById", (a: Adapter) => a.findById("ann")],
    ["findById of a number", (a: Adapter) => a.findById(7)],
    ["the text of a number is another id", (a: Adapter) => a.findById("7")],
    ["findById of nothing", (a: Adapter) => a.findById(undefined)],
    ["findByIds", (a: Adapter) => a.findByIds(["bob", "ann", 7, "ann", "none"])],
    ["findByIds of none", (a: Adapter) => a.findByIds([])],
    ["updateMany", (a: Adapter) => a.updateMany({ age: 27 }, { $set: { age: 28 }, $inc: { visits: 2 } })],
    ["updateMany of none", (a: Adapter) => a.updateMany({ age: 99 }, { $set: { age: 28 } })],
    ["updateById", (a: Adapter) => a.updateById("ann", { $set: { name: "Anna" }, $unset: { tags: true } })],
    [
      "updateById of a nested field",
      (a: Adapter) => a.updateById("ann", { $set: { "address.city": "Kiel", "work.city": "Ulm" } }),
    ],
    ["updateById counts", (a: Adapter) => a.updateById(7, { $inc: { age: 1, "visits.all": 3 }, $push: { tags: "new" } })],
    ["removeMany", (a: Adapter) => a.removeMany({ age: 27 })],
    ["removeMany of none", (a: Adapter) => a.removeMany({ age: 99 })],
    ["clear", (a: Adapter) => a.clear()],
  ])("%s", async (title, ask) => {
    const [expected, actual] = [await ask(adapters[0]), await ask(adapters[1])];
    const isSorted = /sort|page/.test(title);
    expect(isSorted ? actual : byId(actual)).toEqual(isSorted ? expected : byId(expected));
    // Both stores are the same afterwards, too.
    expect(byId(await adapters[1].find())).toEqual(byId(await adapters[0].find({})));
  });

  test("the id of moleculer-db's idField is moved to _id and back", () => {
    const entity = { key: 3, name: "x" };
    for (const adapter of adapters) {
      const stored = adapter.beforeSaveTransformID(entity, "key");
      expect(stored).toEqual({ _id: 3, name: "x" });
      expect(adapter.afterRetrieveTransformID(stored, "key")).toEqual(entity);
      expect(adapter.beforeSaveTransformID({ name: "x" }, "key")).toEqual({ name: "x" });
      expect(adapter.beforeSaveTransformID(entity, "_id")).toEqual(entity);
      expect(adapter.afterRetrieveTransformID({ _id: 3 }, "_id")).toEqual({ _id: 3 });
    }
    expect(entity).toEqual({ key: 3, name: "x" });
  });
});

describe("better than the default adapter", () => {
  let adapter: SqliteAdapter;
  beforeEach(async () => {
    adapter = new SqliteAdapter({
      name: "people",
      collection: { name: "people", indexes: [{ name: "name", fields: ["name"], unique: true }] },
    });
    await adapter.connect();
    await adapter.insertMany(people);
  });
  afterEach(() => adapter.disconnect());

  test("removeById and updateById answer the document, and null where there is none", async () => {
    expect(await adapter.removeById("ann")).toEqual(people[0]);
    expect(await adapter.removeById("ann")).toBeNull();
    expect(await adapter.updateById("ann", { $set: { age: 1 } })).toBeNull();
    expect(await adapter.removeById(undefined)).toBeNull();
    const removals = await Promise.all([adapter.removeById(7), adapter.removeById(7)]);
    expect(removals).toEqual([people[4], null]);
  });

  test("a search looks among what the query matches", async () => {
    expect(await adapter.find({ search: "ann", searchFields: ["name"], query: { age: 27 } })).toEqual([people[2]]);
    expect(await adapter.count({ search: "ann", query: { age: 27 } })).toBe(1);
    expect(await adapter.find({ search: "ul", searchFields: "name address.city" })).toEqual([people[0], people[3]]);
  });

  test("an insert answers what is read later, with an id", async () => {
    const at = new Date(0);
    const entity = { name: "Fay", at, none: undefined, deep: { none: undefined } };
    const stored = await adapter.insert(entity);
    expect(stored).toEqual({ _id: expect.stringMatching(/^[0-9a-f-]{36}$/), name: "Fay", at: at.toJSON(), deep: {} });
    expect(await adapter.findById(stored._id)).toEqual(stored);
    expect(entity).not.toHaveProperty("_id");
    expect(await adapter.find({ query: { at } })).toEqual([stored]);
    expect(await adapter.find({ query: { at: { $gte: at, $lt: new Date(1) } } })).toEqual([stored]);
    await expect(adapter.insert({ _id: { a: 1 } })).rejects.toThrow("_id is neither text nor a number");
  });

  test("a unique index refuses the second, with the status 409", async () => {
    const refused = { name: "UniqueConflict", code: 409, type: "UNIQUE_CONFLICT", data: { index: "name" } };
    await expect(adapter.insert({ name: "Ann" })).rejects.toMatchObject(refused);
    await expect(adapter.updateById("bob", { $set: { name: "Ann" } })).rejects.toMatchObject(refused);
    await expect(adapter.insertMany([{ name: "new" }, { name: "Ann" }, { name: "later" }])).rejects.toMatchObject(refused);
    expect(await adapter.count({ query: { name: { $in: ["new", "later"] } } })).toBe(1);
  });

  test("a condition that is undefined means a missing field, and never everything", async () => {
    const none = undefined as unknown;
    expect(await adapter.removeMany({ _id: none })).toBe(0);
    expect(await adapter.collection.removeMany({ _id: none })).toBe(0);
    expect(await adapter.updateMany({ age: none }, { $set: { age: 1 } })).toBe(0);
    expect(await adapter.collection.updateMany({ age: none }, { $set: { age: 1 } })).toBe(0);
    expect(await adapter.find({ query: { left: none, age: 44 } })).toEqual([people[3]]);
    expect(await adapter.count()).toBe(people.length);
  });

  test("what is not supported is refused, and not ignored", async () => {
    await expect(adapter.find({ query: { name: /a/ } })).rejects.toThrow("compares with data only");
    await expect(adapter.find({ query: { name: { $regex: "a" } } })).rejects.toThrow("$regex is not supported");
    await expect(adapter.find({ query: { $where: "1" } })).rejects.toThrow("$where is not supported");
    await expect(adapter.updateById("ann", { name: 5 } as never)).rejects.toThrow("update operator name is not supported");
    await expect(adapter.updateById("ann", { $rename: { a: "b" } } as never)).rejects.toThrow("$rename is not supported");
    await expect(adapter.updateById("ann", { $push: { tags: { $each: [1] } } })).rejects.toThrow("$each of $push is not");
    await expect(adapter.updateById("ann", { $set: { "name.first": "A" } })).rejects.toThrow("name is not an object");
    await expect(adapter.updateById("ann", { $set: { "__proto__.x": 1 } })).rejects.toThrow("not the name of a field");
    await expect(adapter.updateById("ann", { $set: { _id: "other" } })).rejects.toThrow("_id cannot be changed");
    await expect(adapter.find({ query: { _id: { $in: Array(20_000).fill("x") } } })).rejects.toThrow("at most 16384 values");
    expect(await adapter.findById("ann")).toEqual(people[0]);
  });

  test("any number of ids is found", async () => {
    const many = Array.from({ length: 5000 }, (_, n) => ({ _id: `n${n}`, name: `n${n}` }));
    await adapter.insertMany(many);
    expect(await adapter.findByIds([...many, ...many].map(({ _id }) => _id))).toHaveLength(many.length);
  });
});

describe("under a service of moleculer-db", () => {
  let broker: ServiceBroker | undefined;
  afterEach(() => broker?.stop());

  async function start(options: AdapterOptions, more: object = {}): Promise<SqliteAdapter> {
    broker = new ServiceBroker({ logger: false });
    const adapter = new SqliteAdapter(options);
    broker.createService({ name: "posts", mixins: [DbService as ServiceSchema], adapter, ...more } as ServiceSchema);
    await broker.start();
    return adapter;
  }
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- Each action answers something else.
  const call = (action: string, params?: object): Promise<any> => broker!.call(`posts.${action}`, params);

  test("every action does what it says, and a restart keeps it", async () => {
    const options = { folder, name: "posts" };
    await start(options);
    const first = await call("create", { title: "One", votes: 1 });
    const more = await call("insert", {
      entities: [
        { title: "Two", votes: 5 },
        { title: "Three", votes: 3 },
      ],
    });
    expect(more).toHaveLength(2);
    const four = await call("insert", { entity: { _id: "four", title: "Four", votes: 2 } });
    expect(await call("find", { sort: "-votes", fields: "title", limit: 2 })).toEqual([{ title: "Two" }, { title: "Three" }]);
    expect(await call("find", { query: { votes: { $gt: 2 } }, sort: "votes" })).toMatchObject([{ votes: 3 }, { votes: 5 }]);
    expect(await call("list", { page: 2, pageSize: 3, sort: "title" })).toEqual({
      rows: [more[0]],
      total: 4,
      page: 2,
      pageSize: 3,
      totalPages: 2,
    });
    expect(await call("list", { search: "t", searchFields: ["title"], sort: "title" })).toMatchObject({
      total: 2,
      totalPages: 1,
    });
    expect(await call("count", { query: { votes: 5 } })).toBe(1);
    expect(await call("get", { id: first._id })).toEqual(first);
    expect(await call("get", { id: [first._id, "four"], mapping: true })).toEqual({ [first._id]: first, four });
    await expect(call("get", { id: "none" })).rejects.toMatchObject({ code: 404 });
    expect(await call("update", { id: "four", votes: 9 })).toEqual({ ...four, votes: 9 });
    await expect(call("update", { id: "none", votes: 9 })).rejects.toMatchObject({ code: 404 });
    expect(await call("remove", { id: first._id })).toEqual(first);
    await expect(call("remove", { id: first._id })).rejects.toMatchObject({ code: 404 });
    await expect(call("create", { _id: "four" })).rejects.toMatchObject({ code: 409, type: "UNIQUE_CONFLICT" });

    const before = await call("find", { sort: "title" });
    await broker!.stop();
    await start(options);
    expect(await call("find", { sort: "title" })).toEqual(before);
  });

  test("ids have another name and are encoded, fields are nested, entities refer to each other", async () => {
    await start(
      { name: "posts" },
      {
        settings: { idField: "key", useDotNotation: true, populates: { parent: "posts.get" } },
        methods: {
          encodeID: (id: unknown) => `#${String(id)}`,
          decodeID: (id: string) => (/^#\d+$/.test(id) ? Number(id.slice(1)) : id.slice(1)),
        },
      },
    );
    expect(await call("create", { key: 5, title: "Five", by: { name: "Ann", age: 1 } })).toMatchObject({ key: "#5" });
    const [child] = await call("insert", { entities: [{ key: "six", title: "Six", parent: "#5" }] });
    expect(child).toEqual({ key: "#six", title: "Six", parent: "#5" });
    expect(await call("get", { id: "#5" })).toMatchObject({ key: "#5", title: "Five" });
    expect(await call("get", { id: ["#5", "#six"] })).toHaveLength(2);
    expect(await call("update", { id: "#5", by: { age: 2 } })).toMatchObject({ by: { name: "Ann", age: 2 } });
    expect(await call("find", { query: { "by.age": 2 } })).toHaveLength(1);
    expect(await call("get", { id: "#six", populate: "parent" })).toMatchObject({ parent: { key: "#5", title: "Five" } });
    expect(await call("remove", { id: "#5" })).toMatchObject({ key: "#5", title: "Five" });
    expect(await call("count")).toBe(1);
  });

  test("services share a file by sharing its database; a second opening of it is refused", async () => {
    const database = await SqliteDatabase.open({ folder, name: "shared" });
    const [one, other] = ["posts", "notes"].map((name) => {
      const adapter = new SqliteAdapter({ database });
      adapter.init(undefined as never, { name } as never);
      return adapter;
    }) as [SqliteAdapter, SqliteAdapter];
    await Promise.all([one.connect(), other.connect()]);
    await one.insert({ _id: "1", in: "posts" });
    expect(await other.findById("1")).toBeNull();
    await other.insert({ _id: "1", in: "notes" });
    expect(await one.find()).toEqual([{ _id: "1", in: "posts" }]);
    const second = new SqliteAdapter({ folder, name: "shared" });
    await expect(second.connect()).rejects.toThrow(`${join(folder, "shared.db")} is open already in this process`);
    await second.disconnect();
    await one.disconnect();
    expect(await other.count()).toBe(1);
    await database.close();
    await second.connect();
    await second.disconnect();
  });

  test.each(["../up", "owner", "", "a/b"])("%p is no name of a file", async (name) => {
    await expect(new SqliteAdapter({ folder, name }).connect()).rejects.toThrow("is not the name of a database");
    // The folder is not left claimed.
    const other = new SqliteAdapter({ folder, name: "ok" });
    await other.connect();
    await other.disconnect();
  });
});
