import { collection, type Collection, type Database } from "@confab/mixins/store/collection.ts";
import { openMongo } from "@confab/mixins/store/mongo.ts";
import type { Service } from "moleculer";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { describeCluster, mongoUrl } from "../support/parts.ts";

interface Thing {
  _id: string;
  at: number;
  text: string;
}
const count = 2500;
const word = "looked-for-while-the-connection-breaks";

/** A way to MongoDB that breaks a connection, once, when something asks for the word. */
class BreakingProxy {
  breaks = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(port: number, host: string) {
    this.#server = createServer((near) => {
      const far = connect(port, host);
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => [near, far].forEach((one) => one.destroy()));
      }
      far.pipe(near);
      near.on("data", (chunk: Buffer) => {
        if (this.breaks > 0 && chunk.includes(word)) {
          this.breaks--;
          near.destroy();
        } else far.write(chunk);
      });
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

describeCluster("finding in MongoDB", () => {
  const service = { name: "finding", broker: {}, logger: { info() {}, warn() {}, error() {} }, schema: {} } as unknown as Service;
  let proxy: BreakingProxy;
  let database: Database;
  let things: Collection<Thing>;

  beforeAll(async () => {
    const { hostname, port } = new URL(mongoUrl("finding"));
    proxy = new BreakingProxy(Number(port), hostname);
    const near = await proxy.listen();
    database = openMongo(service, `mongodb://127.0.0.1:${near}/finding?directConnection=true`);
    things = await database.collection(collection<Thing>("things", [{ name: "at", fields: ["at"], carries: "the test" }]));
    const documents = Array.from({ length: count }, (_, at) => ({ _id: `thing ${at}`, at, text: "ä€😀".repeat(10) }));
    await things.insertMany(documents, false);
  });
  afterAll(async () => {
    await database.close();
    proxy.close();
  });

  test("more than one answer of the server holds comes whole, in order and once", async () => {
    const found = await things.find({ at: { $gte: 0 } }, { sort: { at: -1 } });
    expect(found.map(({ at }) => at)).toEqual(Array.from({ length: count }, (_, at) => count - 1 - at));
    expect(found[0]!.text).toBe("ä€😀".repeat(10));
    const some = await things.find({ at: { $gte: 0 } }, { sort: { at: 1 }, limit: 1500 });
    expect(some.map(({ at }) => at)).toEqual(Array.from({ length: 1500 }, (_, at) => at));
    expect(await things.find({ at: { $lt: 0 } })).toEqual([]);
  });

  test("many at once each get their own", async () => {
    const asked = Array.from({ length: 50 }, (_, at) => things.find({ at: { $gte: at } }, { sort: { at: 1 } }));
    for (const [at, found] of (await Promise.all(asked)).entries())
      expect([found.length, found[0]!.at, found.at(-1)!.at]).toEqual([count - at, at, count - 1]);
  });

  test("what a broken connection interrupts is asked for again", async () => {
    proxy.breaks = 1;
    expect(await things.find({ text: word })).toEqual([]);
    proxy.breaks = 1;
    expect(await things.count({ text: word }, 10)).toBe(0);
    expect(proxy.breaks).toBe(0);
  });
});
