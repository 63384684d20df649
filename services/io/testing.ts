import { generateKeyPairSync } from "node:crypto";
import type { AddressInfo } from "node:net";
import type {
  Entry,
  Hidden,
  Params,
  PublicKey,
  Result,
  SocketEventName,
  SocketPayload,
  UserEntry,
  ActionName,
} from "@confab/contracts";
import { edgeMiddleware, edgeOf, edgeSettings } from "@confab/mixins/edge.ts";
import { problem, ProblemRegenerator } from "@confab/mixins/problem.ts";
import { noRates } from "@confab/mixins/rates.testing.ts";
import { tokenTerms } from "@confab/mixins/sessions.ts";
import type { Env } from "@confab/mixins/settings.ts";
import { ContractValidator } from "@confab/mixins/validator.ts";
import jwt from "jsonwebtoken";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { io as connect, type Socket } from "socket.io-client";
import { v7 as uuid } from "uuid";
import ioService from "./io.service.ts";
import { addedBy } from "./membership.ts";
import { take, type NodeMessage } from "./relay.ts";
import type { IoService } from "./service.ts";

export const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
export const key = {
  ...(publicKey.export({ format: "jwk" }) as { x: string; y: string }),
  kty: "EC",
  crv: "P-256",
  kid: "k1",
  alg: "ES256",
  use: "sig",
} as PublicKey;

export const token = (userId: string, sessionId: string, options: jwt.SignOptions = {}) =>
  jwt.sign({ sid: sessionId }, privateKey, { subject: userId, keyid: "k1", expiresIn: 300, ...tokenTerms, ...options });

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Asks again and again until the answer is one. */
export async function eventually<T>(ask: () => T | undefined | false, limit = 20_000): Promise<T> {
  for (const since = Date.now(); ; await pause(10)) {
    const answer = ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() - since > limit) throw new Error(`not within ${limit} ms: ${ask.toString()}`);
  }
}

type Answers = { [N in ActionName]?: (params: Params<N>) => Result<N> | Promise<Result<N>> };

/** What the chat and user services know, as simply as can be; any number of io nodes may ask. Nothing is told unless a test tells it. */
export class Backend {
  readonly logs = new Map<string, Entry[]>();
  readonly userLogs = new Map<string, UserEntry[]>();
  readonly endedSessions = new Set<string>();
  /** From whom the words of an entry are hidden, by `chatId:rev`. */
  readonly hiddenFrom = new Map<string, string[]>();
  /** Who hides that they are there. */
  readonly hidden = new Set<string>();
  /** Chats that are too large to show who is typing. */
  readonly large = new Set<string>();
  readonly asked: { name: ActionName; params: unknown; meta: object }[] = [];
  /** Answers in place of the usual ones. */
  readonly answers: Answers = {};

  /** The next entry of a chat. */
  append(chatId: string, type: Entry["type"] = "message.sent", data: object = {}): Entry {
    const log = this.logs.get(chatId) ?? [];
    const entry = { chatId, rev: log.length + 1, type, by: uuid(), at: new Date().toISOString(), data } as Entry;
    log.push(entry);
    this.logs.set(chatId, log);
    return entry;
  }

  create(chatId: string, ...userIds: string[]): Entry {
    return this.append(chatId, "chat.created", { members: asMembers(userIds) });
  }

  add(chatId: string, ...userIds: string[]): Entry {
    return this.append(chatId, "member.added", { members: asMembers(userIds), inviteId: null });
  }

  remove(chatId: string, userId: string): Entry {
    return this.append(chatId, "member.removed", { userId, banned: false });
  }

  /** The next entry of somebody's own log: what a chat is to them. */
  note(userId: string, chatId: string): UserEntry {
    const log = this.userLogs.get(userId) ?? [];
    const data = { chatId, member: this.isMember(chatId, userId), readSeq: 0, deliveredSeq: 0, mutedUntil: null, pinned: false };
    const place = { userRev: log.length + 1, at: new Date().toISOString() };
    const entry: UserEntry = { ...place, type: "chat.noted", data: { ...data, archived: false, markedUnread: false } };
    this.userLogs.set(userId, [...log, entry]);
    return entry;
  }

  hiddenIn(entries: readonly Entry[]): Hidden[] {
    return entries.flatMap(({ chatId, rev }) => {
      const from = this.hiddenFrom.get(`${chatId}:${rev}`);
      return from ? [{ chatId, rev, from }] : [];
    });
  }

  isMember(chatId: string, userId: string): boolean {
    let isMember = false;
    for (const entry of this.logs.get(chatId) ?? []) {
      if (addedBy(entry).includes(userId)) isMember = true;
      if (entry.type === "member.removed" && entry.data.userId === userId) isMember = false;
      if (entry.type === "chat.deleted") isMember = false;
    }
    return isMember;
  }

  readonly #rev = (chatId: string) => this.logs.get(chatId)?.length ?? 0;
  readonly #userRev = (userId: string) => this.userLogs.get(userId)?.length ?? 0;

  readonly #usual: Answers = {
    "user.key.list": () => ({ keys: [key] }),
    "user.session.check": ({ sessionIds }) => ({ alive: sessionIds.filter((id) => !this.endedSessions.has(id)) }),
    "chat.follow.list": ({ userId }) => ({
      epoch: "e",
      userRev: this.#userRev(userId),
      chats: [...this.logs.keys()]
        .filter((chatId) => this.isMember(chatId, userId))
        .map((chatId) => ({ chatId, rev: this.#rev(chatId) })),
    }),
    "chat.entry.range": ({ chatId, after, limit }) => {
      const items = (this.logs.get(chatId) ?? []).filter(({ rev }) => rev > after).slice(0, limit);
      return { items, hidden: this.hiddenIn(items) };
    },
    "chat.user.range": ({ userId, after }) => {
      // Only the last entry of each subject is kept.
      const log = this.userLogs.get(userId) ?? [];
      const kept = new Map(log.map((entry) => [JSON.stringify([entry.type, (entry.data as { chatId?: string }).chatId]), entry]));
      const items = [...kept.values()].filter(({ userRev }) => userRev > after);
      return { userRev: log.length, items: items.sort((a, b) => a.userRev - b.userRev) };
    },
    "chat.head.list": ({ chats, users }) => ({
      chats: Object.keys(chats).filter((chatId) => this.#rev(chatId) > chats[chatId]!),
      users: Object.keys(users).filter((userId) => this.#userRev(userId) > users[userId]!),
    }),
    "chat.typing.check": ({ chatId, userId }) => {
      if (!this.isMember(chatId, userId)) throw problem("chat.not_found");
      return { shown: !this.large.has(chatId), rev: this.#rev(chatId) };
    },
    "chat.presence.visible": ({ userId, userIds }) => {
      const chats = [...this.logs.keys()].filter((chatId) => this.isMember(chatId, userId));
      const isSeen = (other: string) => !this.hidden.has(other) && chats.some((chatId) => this.isMember(chatId, other));
      return { userIds: userIds.filter(isSeen) };
    },
    "chat.message.send": (message) => ({ message }) as never,
  };

  /** The services on one node. */
  services(): ServiceSchema[] {
    const schemas = ["user", "chat"].map((service) => ({
      name: service,
      actions: Object.fromEntries(
        (Object.keys(this.#usual) as ActionName[])
          .filter((name) => name.startsWith(`${service}.`))
          .map((name) => [
            name.slice(service.length + 1),
            async (ctx: { params: never; meta: object }) => {
              this.asked.push({ name, params: ctx.params, meta: ctx.meta });
              const answer: (params: never) => unknown = (this.answers[name] ?? this.#usual[name])!;
              return answer(ctx.params);
            },
          ]),
      ),
    }));
    return schemas as unknown as ServiceSchema[];
  }
}

const asMembers = (userIds: string[]) => userIds.map((userId) => ({ userId, role: "member" }));

type Heard = { [E in SocketEventName]: { event: E; payload: SocketPayload<E> } }[SocketEventName];

interface Reply {
  ok: boolean;
  data?: never;
  error?: { code: string };
}

export interface TestSocket {
  userId: string;
  sessionId: string;
  socket: Socket;
  /** All that it heard, in the order of its coming. */
  heard: Heard[];
  /** The names of that, without the heads, which come when they come. */
  events(): string[];
  ready: Promise<SocketPayload<"ready">>;
  closed: Promise<string>;
  all<E extends SocketEventName>(event: E): SocketPayload<E>[];
  /** The revs of the entries of a chat that it was told. */
  revs(chatId: string): number[];
  ask(event: string, payload?: unknown): Promise<Reply>;
  waitFor<E extends SocketEventName>(
    event: E,
    wanted?: (payload: SocketPayload<E>) => boolean,
    limit?: number,
  ): Promise<SocketPayload<E>>;
}

export interface TestNode {
  broker: ServiceBroker;
  service: IoService;
  url: string;
  /** Opens a socket, of somebody new where nobody is named. */
  open(who?: { userId?: string; sessionId?: string; auth?: object; headers?: Record<string, string> }): TestSocket;
  /** Opens a socket and waits until it is subscribed. */
  enter(userId?: string): Promise<TestSocket>;
  /** Tells this node by the event that the chat service sends. */
  tell(...entries: Entry[]): Promise<void>;
  tellOwn(userId: string, entry: UserEntry): Promise<void>;
  stop(): Promise<void>;
}

export const testEnv = { PORT: "0", NODE_ENV: "test", CORS_ORIGINS: "https://app.example.com", MAX_BODY: "2048", ...noRates };

export async function startNode(backend: Backend, given: Env = {}): Promise<TestNode> {
  const env = { ...testEnv, ...given };
  const broker = new ServiceBroker({
    logger: false,
    validator: new ContractValidator(),
    errorRegenerator: new ProblemRegenerator(),
    middlewares: [edgeMiddleware(edgeSettings.read(env))],
  });
  for (const schema of backend.services()) broker.createService(schema);
  broker.createService(ioService(env));
  const service = broker.getLocalService("io") as IoService;
  await broker.start();
  const url = `http://127.0.0.1:${(edgeOf(broker).server.address() as AddressInfo).port}`;
  const sockets: Socket[] = [];

  const node: TestNode = {
    broker,
    service,
    url,
    open({ userId = uuid(), sessionId = uuid(), auth = { token: token(userId, sessionId) }, headers = {} } = {}) {
      const options = { transports: ["websocket"], reconnection: false, forceNew: true, extraHeaders: headers };
      const socket = connect(url, { auth, ...options });
      sockets.push(socket);
      return watch(socket, userId, sessionId);
    },
    async enter(userId) {
      const socket = node.open(userId === undefined ? {} : { userId });
      await socket.ready;
      return socket;
    },
    tell: (...entries) => broker.emit("chat.entry.appended", { entries, hidden: backend.hiddenIn(entries) }),
    tellOwn: (userId, entry) => broker.emit("chat.user.appended", { userId, entry }),
    async stop() {
      for (const socket of sockets) socket.close();
      await broker.stop();
    },
  };
  return node;
}

function watch(socket: Socket, userId: string, sessionId: string): TestSocket {
  const heard: Heard[] = [];
  socket.onAny((event: string, payload: unknown) => heard.push({ event, payload } as Heard));
  const all = <E extends SocketEventName>(event: E) =>
    heard.filter((one) => one.event === event).map(({ payload }) => payload as SocketPayload<E>);
  const ready = new Promise<SocketPayload<"ready">>((resolve, reject) => {
    socket.once("ready", resolve);
    socket.once("connect_error", reject);
  });
  ready.catch(() => {});
  return {
    userId,
    sessionId,
    socket,
    heard,
    events: () => heard.map(({ event }) => event).filter((event) => event !== "heads"),
    ready,
    closed: new Promise((resolve) => socket.once("disconnect", resolve)),
    all,
    revs: (chatId) =>
      all("chat:entry")
        .filter((entry) => entry.chatId === chatId)
        .map(({ rev }) => rev),
    ask: async (event, payload = {}): Promise<Reply> => socket.timeout(20_000).emitWithAck(event, payload),
    waitFor: (event, wanted = () => true, limit) => eventually(() => all(event).find(wanted), limit),
  };
}

/** Lets nodes hear each other, as Redis would, without what `isLost`. */
export function link(nodes: TestNode[], isLost: (message: NodeMessage) => boolean = () => false): void {
  for (const node of nodes) {
    node.service.cluster = {
      ...node.service.cluster,
      tell(rooms, message) {
        if (isLost(message)) return;
        for (const other of nodes) {
          const has = rooms.some((room) => other.service.io.sockets.adapter.rooms.has(room));
          if (other === node || !(has || rooms.length === 0)) continue;
          const copy = structuredClone(message);
          setImmediate(() => take(other.service, copy));
        }
      },
    };
  }
}
