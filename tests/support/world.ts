// Confab as it is really run: one process, or each service in its own on the real parts.

import { generateKeyPairSync, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import type { InboxMail, SignedIn } from "@confab/contracts";
import { ServiceBroker } from "moleculer";
import { brokerOptions, clusterSettings, type ServiceName } from "../../moleculer.config.ts";
import { TestClient } from "./client.ts";
import { Ground, TestNode, type NodeEnv } from "./node.ts";
import { describeCluster, mongoUrl, rabbitUrl, redisUrl } from "./parts.ts";
import { findSecrets, noteSecrets } from "./secrets.ts";
import { TestUser, type Door } from "./user.ts";
import { eventually } from "./wait.ts";

export type ClusterSize = Partial<Record<ServiceName, number>>;
export interface WorldOptions {
  env?: NodeEnv;
  /** How many processes of each service; one where nothing is said. */
  size?: ClusterSize;
}

const services: ServiceName[] = ["user", "mail", "chat", "io", "api"];

export class World {
  readonly kind: "embedded" | "cluster";
  readonly #ground: Ground;
  readonly #env: NodeEnv;
  /** The processes of each service; embedded they are all the same one. */
  readonly #nodes: Record<ServiceName, TestNode[]>;
  readonly #users: TestUser[] = [];
  #watcher: TestUser | undefined;

  constructor(kind: "embedded" | "cluster", ground: Ground, env: NodeEnv, nodes: Record<ServiceName, TestNode[]>) {
    this.kind = kind;
    this.#ground = ground;
    this.#env = env;
    this.#nodes = nodes;
  }

  /** What all of its processes are set to. */
  get env(): NodeEnv {
    return this.#env;
  }

  get nodes(): TestNode[] {
    return [...new Set(Object.values(this.#nodes).flat())];
  }

  /** The process of a service; with several, which of them. */
  node(service: ServiceName, index = 0): TestNode {
    return this.#nodes[service][index % this.#nodes[service].length]!;
  }

  /** Pairs of an api and an io node, as many as there are of the more numerous. */
  get doors(): Door[] {
    const { api, io } = this.#nodes;
    return Array.from({ length: Math.max(api.length, io.length) }, (_, at) => ({
      api: this.node("api", at).url,
      io: this.node("io", at).url,
    }));
  }

  /** Somebody new, signed in by a mailed code. */
  async user(name = "ann"): Promise<TestUser> {
    const user = await this.signIn(`${name.toLowerCase()}.${randomUUID()}@example.test`, name);
    this.#users.push(user);
    return user;
  }

  /** Signs in by a mailed code: a new session of whoever has the address. */
  async signIn(email: string, name: string): Promise<TestUser> {
    const client = new TestClient(this.doors[0]!);
    // Mail is sent after the answer: an earlier code may be all that is there for a moment.
    const earlier = (await this.#mailsTo(email))[0]?.id;
    const { flowId } = await client.call("user.code.request", { email });
    const code = await this.#code(email, earlier);
    const signedIn: SignedIn = await client.call("user.code.verify", { flowId, code, name });
    const { id } = signedIn.user;
    return new TestUser({ id, name, email, refreshToken: signedIn.refreshToken }, signedIn.accessToken, this.doors);
  }

  /** The newest mail to an address whose subject or text says so. */
  mailTo(email: string, wanted: RegExp): Promise<InboxMail> {
    return eventually(`a mail to ${email} that says ${wanted}`, async () =>
      (await this.#mailsTo(email)).find(({ subject, text }) => wanted.test(subject) || wanted.test(text)),
    );
  }

  /** The code in the newest mail to an address; with `earlier`, once it is another mail than that one. */
  mailedCode(email: string, earlier?: string): Promise<string> {
    return this.#code(email, earlier);
  }

  async #mailsTo(email: string): Promise<InboxMail[]> {
    const url = `${this.doors[0]!.api}/dev/inbox?to=${encodeURIComponent(email)}`;
    const response = await fetch(url, { headers: { Accept: "application/json" } });
    const { items } = (await response.json()) as { items?: InboxMail[] };
    return items ?? [];
  }

  /** The newest code that was mailed to an address, once it is another one than that of this mail. */
  async #code(email: string, earlier: string | undefined): Promise<string> {
    const mail = await eventually(`a code mailed to ${email}`, async () => {
      const [newest] = await this.#mailsTo(email);
      return newest?.id === earlier ? undefined : newest;
    });
    const code = /\b\d{6}\b/.exec(mail.text)?.[0];
    if (!code) throw new Error(`no code in the mail:\n${mail.text}`);
    noteSecrets({ code });
    return code;
  }

  /** Ends one process, by default as a power cut would. */
  kill(service: ServiceName, signal: NodeJS.Signals = "SIGKILL", index = 0): Promise<void> {
    return this.node(service, index).kill(signal);
  }

  /** Starts a process that has ended, on its port and data, and waits until it serves. */
  async revive(service: ServiceName, index = 0): Promise<void> {
    const node = this.node(service, index);
    node.launch();
    await node.ready();
  }

  /** Ends everything and starts it anew. */
  async restart(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill(signal)));
    await this.start();
  }

  /** One process after another, as a rolling update does. */
  async roll(): Promise<void> {
    for (const node of this.nodes) {
      await node.kill("SIGTERM");
      node.launch();
      await node.ready();
    }
    await this.serving();
  }

  async start(): Promise<void> {
    for (const node of this.nodes) node.launch();
    await Promise.all(this.nodes.map((node) => node.ready()));
    await this.serving();
  }

  /** Asks through every door until each reaches every service, since nodes learn of each other only after they start. */
  async serving(): Promise<void> {
    try {
      const client = new TestClient(this.doors[0]!);
      await eventually("sign-in works", async () => {
        const { problem } = await client.ask("user.session.refresh", { refreshToken: "nobody's" });
        return problem?.code === "user.bad_refresh_token";
      });
      const watcher = (this.#watcher ??= await eventually("somebody signs in", () =>
        this.signIn(`watcher.${randomUUID()}@example.test`, "watcher"),
      ));
      for (const [at] of this.doors.entries()) {
        const here = watcher.at(at);
        await eventually(`door ${at} reaches chat`, () => here.call("chat.chat.list", {}));
        await eventually(`door ${at} opens a socket`, async () => (await here.socket()).id);
      }
      watcher.leave();
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.tail()}`, { cause: error });
    }
  }

  /** A node without services that sees the cluster as an operator's prompt does. Embedded there is none to join. */
  async operator(): Promise<ServiceBroker | undefined> {
    if (this.kind === "embedded") return undefined;
    const env = { ...this.#env, NODE_ENV: "test", LOG_LEVEL: "fatal", SERVICES: "chat" };
    const broker = new ServiceBroker(brokerOptions(clusterSettings.read(env)));
    await broker.start();
    await broker.waitForServices("chat");
    return broker;
  }

  tail(): string {
    return this.nodes.map((node) => node.tail()).join("\n\n");
  }

  /** Ends everything; throws what was wrong with anything that any socket heard, and what a log held that it must not. */
  async stop(): Promise<void> {
    let leaks: string[] = [];
    try {
      for (const user of this.#users) user.leave();
    } finally {
      await Promise.all(this.nodes.map((node) => node.kill("SIGKILL")));
      leaks = findSecrets(this.nodes.map(({ log }) => log).filter((file) => existsSync(file)));
      await this.#ground.clear();
    }
    if (leaks.length > 0) throw new Error(`secrets in the logs:\n${leaks.slice(0, 20).join("\n")}`);
  }
}

async function started(world: World): Promise<World> {
  try {
    await world.start();
    return world;
  } catch (error) {
    await world.stop().catch(() => {});
    throw error;
  }
}

/** All of Confab in one process, on files of its own. */
export async function embeddedWorld({ env = {} }: WorldOptions = {}): Promise<World> {
  const ground = new Ground();
  const node = await TestNode.create(ground, "confab", env);
  return started(new World("embedded", ground, env, { user: [node], mail: [node], chat: [node], io: [node], api: [node] }));
}

/** Each service in processes of its own, on the real RabbitMQ, Redis and MongoDB, apart from every other world on them. */
export async function clusterWorld({ env = {}, size = {} }: WorldOptions = {}): Promise<World> {
  const ground = new Ground();
  const name = `confab-${randomUUID().slice(0, 8)}`;
  const shared: NodeEnv = {
    TRANSPORTER: rabbitUrl(),
    REDIS_URL: redisUrl(),
    MONGO_URL: mongoUrl(name),
    NAMESPACE: name,
    SIGNING_KEY: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "pem", type: "pkcs8" }) as string,
    ...env,
  };
  const nodes = {} as Record<ServiceName, TestNode[]>;
  for (const service of services) {
    const count = size[service] ?? 1;
    const numbered = Array.from({ length: count }, (_, at) =>
      TestNode.create(ground, `${service}-${at + 1}`, { ...shared, SERVICES: service }),
    );
    nodes[service] = await Promise.all(numbered);
  }
  return started(new World("cluster", ground, shared, nodes));
}

/** The same tests over Confab in one process, and as a cluster of the given size. */
export function describeWorlds(name: string, options: WorldOptions, tests: (open: () => Promise<World>) => void): void {
  describe(`${name}, embedded`, () => tests(() => embeddedWorld(options)));
  describeCluster(`${name}, in a cluster`, () => tests(() => clusterWorld(options)));
}
