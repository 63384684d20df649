/* Nodes of the chat service on one store, as the specs beside the code use them. */
import type { ActionName, Chat, Entry, Language, Message, Params, Payload, Result } from "@confab/contracts";
import { isProblem, problem, ProblemRegenerator } from "@confab/mixins/problem.ts";
import type { Outcome } from "@confab/mixins/store/collection.ts";
import { openTestStore } from "@confab/mixins/store/testing.ts";
import { ContractValidator } from "@confab/mixins/validator.ts";
import { ServiceBroker, type Service, type ServiceSchema } from "moleculer";
import { v7 as uuid } from "uuid";
import chatService from "./chat.service.ts";
import type { ChatService } from "./service.ts";
import { ChatStore } from "./store/chat.store.ts";

/** A store in memory that says whether other nodes write to it too. */
export async function openStore(shared: boolean): Promise<ChatStore> {
  return Object.assign(await ChatStore.open(openTestStore()), { shared });
}

type Operation = Exclude<
  { [K in keyof ChatStore]: ChatStore[K] extends (...args: never[]) => unknown ? K : never }[keyof ChatStore],
  undefined
>;
type Intercept = (proceed: () => Promise<unknown>, args: unknown[]) => Promise<unknown>;

const turnOfTheLoop = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A node's own way to the store: counts what is asked, and lets a test get in between. */
export class Access {
  readonly counts = new Map<string, number>();
  readonly #intercepts = new Map<string, Intercept>();
  #isDead = false;
  /** How many turns of the event loop an operation takes longer at most, before and after it is done. */
  jitter = 0;
  readonly store: ChatStore;

  constructor(shared: ChatStore) {
    this.store = new Proxy(shared, {
      get: (target, name: keyof ChatStore) => {
        const value: unknown = target[name];
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => this.#ask(name, () => value.apply(target, args) as Promise<unknown>, args);
      },
    });
  }

  async #ask(name: string, act: () => Promise<unknown>, args: unknown[]): Promise<unknown> {
    const proceed = async () => {
      await this.#linger();
      if (this.#isDead) throw new Error("this node was killed");
      const result = await act();
      await this.#linger();
      return result;
    };
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    const intercept = this.#intercepts.get(name);
    return intercept ? intercept(proceed, args) : proceed();
  }

  async #linger(): Promise<void> {
    for (let turns = Math.floor(Math.random() * (this.jitter + 1)); turns > 0; turns--) await turnOfTheLoop();
  }

  /** From now on this is done instead of the operation; answers how to end it. */
  intercept(name: Operation, instead: Intercept): () => void {
    this.#intercepts.set(name, instead);
    return () => this.#intercepts.delete(name);
  }

  die(): void {
    this.#isDead = true;
  }
}

const checks = new Map<string, ReturnType<ContractValidator["compile"]>>();

/** Compiles each schema once for all nodes. */
class OnceValidator extends ContractValidator {
  override compile(schema: Record<string, unknown>): ReturnType<ContractValidator["compile"]> {
    const key = JSON.stringify(schema);
    const check = checks.get(key) ?? super.compile(schema);
    checks.set(key, check);
    return check;
  }
}

export type Answer<N extends ActionName> = (Result<N> extends null ? object : Result<N>) & { status: number | undefined };

export class TestNode {
  readonly broker: ServiceBroker;
  access: Access;
  /** What this node told: a hint that other nodes may never get. */
  readonly entries: Entry[] = [];
  readonly userEntries: Payload<"chat.user.appended">[] = [];
  readonly receipts: Payload<"chat.receipt.moved">[] = [];
  /** What the mail service was given, and whether it takes anything. */
  readonly mails: Params<"mail.job.accept">[] = [];
  takesMails = true;
  readonly service: ChatService;
  readonly #shared: ChatStore;
  readonly #begin: (this: ChatService) => Promise<void>;

  constructor(store: ChatStore, env: Record<string, string>, strangers: ReadonlySet<string>) {
    this.#shared = store;
    this.access = new Access(store);
    this.broker = new ServiceBroker({
      logger: false,
      validator: new OnceValidator(),
      errorRegenerator: new ProblemRegenerator(),
    });
    const schema = chatService({ DATA_DIR: "memory", ...env }) as { started: (this: ChatService) => Promise<void> };
    this.#begin = schema.started;
    const onThatStore = { ...schema, mixins: [], started: () => this.#start() };
    const service: Service = this.broker.createService(onThatStore as unknown as ServiceSchema);
    this.service = service as ChatService;
    this.broker.createService({
      name: "user",
      actions: {
        "profile.get": (ctx: { params: Params<"user.profile.get"> }) => ({
          id: ctx.params.userId,
          name: `Name ${ctx.params.userId}`,
        }),
        "profile.known": (ctx: { params: { userIds: string[] } }) => ({
          userIds: ctx.params.userIds.filter((id) => !strangers.has(id)),
        }),
        // The host has our ids for its names of people.
        "host.resolve": (ctx: { params: Params<"user.host.resolve"> }) => ({
          items: ctx.params.externalIds.filter((id) => !strangers.has(id)).map((id) => ({ externalId: id, userId: id })),
        }),
      },
    });
    this.broker.createService({
      name: "mail",
      actions: {
        "job.accept": (ctx: { params: Params<"mail.job.accept"> }) => {
          if (!this.takesMails) throw problem("unavailable", { retryAfter: 1 });
          this.mails.push(ctx.params);
        },
      },
    });
    this.broker.createService({
      name: "listener",
      events: {
        "chat.entry.appended": (ctx: { params: Payload<"chat.entry.appended"> }) => {
          this.entries.push(...ctx.params.entries);
        },
        "chat.user.appended": (ctx: { params: Payload<"chat.user.appended"> }) => {
          this.userEntries.push(ctx.params);
        },
        "chat.receipt.moved": (ctx: { params: Payload<"chat.receipt.moved"> }) => {
          this.receipts.push(ctx.params);
        },
      },
    });
  }

  async as<N extends ActionName>(
    userId: string,
    name: N,
    params: Params<N>,
    more: { idempotencyKey?: string; language?: Language } = {},
  ): Promise<Answer<N>> {
    const meta: { userId: string; $statusCode?: number } = { userId, ...more };
    const result = await this.broker.call<object | null, Params<N>>(name, params, { meta });
    return { ...result, status: meta.$statusCode } as Answer<N>;
  }

  /** Stores all that is derived from what this node has folded. */
  settle(): Promise<void> {
    return this.service.chats.keep();
  }

  #start(): Promise<void> {
    this.service.store = this.access.store;
    return this.#begin.call(this.service);
  }

  /** As kill -9, and a new process in its place: whatever this node had only in memory is gone. */
  async restart(): Promise<void> {
    const { jitter } = this.access;
    this.access.die();
    await this.service.outbox.stop();
    this.access = new Access(this.#shared);
    this.access.jitter = jitter;
    return this.#start();
  }

  /** Lets the node die right after it stores entries: they are there, and nothing that follows from them is. */
  dieAfterAppend(): void {
    this.access.intercept("append", async (proceed) => {
      const outcomes = (await proceed()) as Outcome[];
      if (!outcomes.includes("stored")) return outcomes;
      this.access.die();
      throw new Error("this node was killed");
    });
  }
}

/** Some nodes on one store, through which users ask in turn: what one says through one node they hear through another. */
export class Nodes {
  store!: ChatStore;
  readonly all: TestNode[] = [];
  readonly #env: Record<string, string>;
  readonly #strangers = new Set<string>();
  #turn = 0;

  constructor(env: Record<string, string> = {}) {
    this.#env = env;
  }

  get one(): TestNode {
    return this.all[0]!;
  }

  get two(): TestNode {
    return this.all[1]!;
  }

  get three(): TestNode {
    return this.all[2]!;
  }

  async start(count: number): Promise<void> {
    this.store = await openStore(count > 1);
    for (let at = 0; at < count; at++) this.all.push(new TestNode(this.store, this.#env, this.#strangers));
    await Promise.all(this.all.map(({ broker }) => broker.start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.map(({ broker }) => broker.stop()));
  }

  /** Somebody of whom the user service does not know. */
  stranger(): string {
    const id = uuid();
    this.#strangers.add(id);
    return id;
  }

  next(): TestNode {
    return this.all[this.#turn++ % this.all.length]!;
  }

  as = <N extends ActionName>(
    userId: string,
    name: N,
    params: Params<N>,
    more?: { idempotencyKey?: string; language?: Language },
  ) => this.next().as(userId, name, params, more);

  group = (memberIds: readonly string[], rules: Omit<Params<"chat.chat.create">, "type" | "memberIds"> = {}): Promise<Chat> =>
    this.as(memberIds[0]!, "chat.chat.create", { type: "group", memberIds: memberIds.slice(1), ...rules });

  direct = (one: string, other: string): Promise<Chat> =>
    this.as(one, "chat.chat.create", { type: "direct", memberIds: [other] });

  send = async (
    userId: string,
    chatId: string,
    text = "hello",
    more: Partial<Params<"chat.message.send">> = {},
  ): Promise<Message> => (await this.as(userId, "chat.message.send", { chatId, clientMessageId: uuid(), text, ...more })).message;

  /** Everything that is derived is stored. */
  async settle(): Promise<void> {
    for (const node of this.all) await node.settle();
  }
}

/** Nodes for all tests of a file; one by itself is the whole of an embedded server. */
export function useNodes(env: Record<string, string> = {}, count = 2): Nodes {
  const nodes = new Nodes(env);
  beforeAll(() => nodes.start(count));
  afterAll(() => nodes.stop());
  return nodes;
}

/** A promise, and how to keep it. */
export function later(): { done: Promise<void>; now: () => void } {
  let now = () => {};
  const done = new Promise<void>((resolve) => (now = resolve));
  return { done, now };
}

const clocks = [Date, performance].map((clock) => ({ clock, real: clock.now.bind(clock) }));

/** Moves the clocks on by so many seconds, until mocks are restored. */
export function passTime(seconds: number): void {
  for (const { clock, real } of clocks) {
    const ahead = clock.now() - real() + seconds * 1000;
    jest.spyOn(clock as typeof Date, "now").mockImplementation(() => real() + ahead);
  }
}

export const users = (count: number): string[] => Array.from({ length: count }, () => uuid());
export const times = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));
export const upTo = (last: number): number[] => times(last, (at) => at + 1);

/** The word of the problem that this ends in, or `done`. */
export async function outcome(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
    return "done";
  } catch (err) {
    if (isProblem(err)) return err.type;
    throw err;
  }
}

/** The words that many of these end in, sorted. */
export const outcomes = async (asked: readonly Promise<unknown>[]): Promise<string[]> =>
  (await Promise.all(asked.map(outcome))).sort();

/** Every message of a chat that somebody may see, by pages. */
export async function allMessages(node: Pick<TestNode, "as">, userId: string, chatId: string, limit = 100): Promise<Message[]> {
  const items: Message[] = [];
  for (let after: number | null = 0; after !== null;) {
    const page: Result<"chat.message.list"> = await node.as(userId, "chat.message.list", { chatId, after, limit });
    items.push(...page.items);
    after = page.after;
  }
  return items;
}

/** Every entry of a chat that somebody may see, by pages. */
export async function allEntries(node: Pick<TestNode, "as">, userId: string, chatId: string, limit = 100): Promise<Entry[]> {
  const items: Entry[] = [];
  for (;;) {
    const page = await node.as(userId, "chat.entry.list", { chatId, after: items.at(-1)?.rev ?? 0, limit });
    items.push(...page.items);
    if (page.items.length === 0) return items;
  }
}
