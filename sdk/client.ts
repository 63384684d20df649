import type { Me, Message, Params, Result, SignedIn, SocketEventName, SocketPayload } from "@confab/contracts";
import { io } from "socket.io-client";
import { CatchUp } from "./catchup.ts";
import { Connection, type ConnectionState, type SocketLike } from "./connection.ts";
import { Outbox } from "./outbox.ts";
import { defaultStorage, type ClientStorage } from "./platform.ts";
import { ApiProblem } from "./problem.ts";
import { request } from "./rest.ts";
import { routes, type RouteName } from "./routes.ts";
import { Session } from "./session.ts";
import { addOlder, type Chats } from "./state.ts";
import { createStore, type Observable } from "./store.ts";

export interface ClientOptions {
  /** Where Confab answers, such as `https://chat.example.com`. */
  url: string;
  /** Makes the requests; the platform's own by default. */
  fetch?: typeof fetch;
  /** Keeps the tokens; `localStorage` in browsers, memory elsewhere. */
  storage?: ClientStorage;
  /** Makes the socket; socket.io-client's by default. */
  socket?: (url: string) => SocketLike;
}

/** Everything that a screen shows. A new object after every change, and nothing in it ever changes in place. */
export interface ClientState {
  /** Who is signed in; null when nobody is. */
  readonly user: Me | null;
  readonly connection: ConnectionState;
  /** Whether all chats have been caught up with since the last `connect()`. */
  readonly synced: boolean;
  readonly chats: Chats;
}

export interface Client extends Observable<ClientState> {
  /** Mails a sign-in code. */
  requestCode(email: string): Promise<Result<"user.code.request">>;
  /** Signs in by the mailed code, or signs up; `name` is used at the first time. */
  verify(params: Params<"user.code.verify">): Promise<Me>;
  /** Ends the session on the server, as far as it can be reached, and forgets it here in any case. */
  signOut(): Promise<void>;
  /** Calls an action by its name, with the token where it wants one. Throws `ApiProblem`. */
  call<N extends RouteName>(name: N, params: Params<N>): Promise<Result<N>>;
  /** Opens the socket and keeps it open, catching up each time it is ready. */
  connect(): void;
  disconnect(): void;
  /** Listens to an event of the socket. Returns what ends that. */
  on<N extends SocketEventName>(event: N, listener: (payload: SocketPayload<N>) => void): () => void;
  /** Catches up with all that changed. It happens by itself while connected. */
  sync(): Promise<void>;
  /**
   * Sends a message. It shows as pending in the state at once, is sent again under the same name until the server has
   * answered, and shows as failed where the server refused it; then this rejects with the problem.
   */
  send(chatId: string, text: string, data?: Record<string, unknown>): Promise<Message>;
  /** Sends a failed message again, under its name. */
  retry(chatId: string, clientMessageId: string): Promise<Message> | undefined;
  /** Gives a failed message up. */
  discard(chatId: string, clientMessageId: string): void;
  /** Fetches an older page into the state. False when there is none. */
  loadOlder(chatId: string): Promise<boolean>;
  /** An access token that is good for a while, for requests of one's own. */
  getToken(): Promise<string>;
  /** Ends everything that this client does; the session stays in the storage. */
  close(): void;
}

/** A client of Confab, for browsers and Node. */
export function createClient(options: ClientOptions): Client {
  const url = options.url.replace(/\/+$/, "");
  const rest = { url, fetch: options.fetch ?? globalThis.fetch.bind(globalThis) };
  const session = new Session({
    name: url,
    storage: options.storage ?? defaultStorage(),
    refresh: (refreshToken) => request(rest, "user.session.refresh", { refreshToken }),
  });
  const connection = new Connection(session, (options.socket ?? openSocket)(url));
  const chats = createStore<Chats>(new Map());
  const state = createStore<ClientState>({ user: session.user.get(), connection: "closed", synced: false, chats: chats.get() });
  const change = (changes: Partial<ClientState>) => state.set({ ...state.get(), ...changes });

  const catchUp = new CatchUp({
    chats,
    pull: (known) => call("chat.sync.pull", known),
    myId: () => session.user.get()?.id ?? "",
  });
  const outbox = new Outbox({ chats, deliver, arrived });
  const loading = new Map<string, Promise<boolean>>();

  chats.subscribe((value) => change({ chats: value }));
  connection.state.subscribe((value) => change({ connection: value }));
  session.user.subscribe((user) => {
    if (user?.id !== state.get().user?.id) leave();
    change({ user });
  });
  connection.on("ready", ({ epoch }) => {
    catchUp.meet(epoch);
    outbox.hurry();
    void sync().catch(() => {});
  });
  connection.on("chat:entry", (entry) => catchUp.receive([entry]));

  /** Nothing of one user is left for the next. */
  function leave(): void {
    connection.close();
    outbox.clear();
    catchUp.forget();
    change({ synced: false });
  }

  async function call<N extends RouteName>(name: N, params: Params<N>): Promise<Result<N>> {
    if (routes[name].audience === "anyone") return request(rest, name, params);
    const token = await session.token();
    try {
      return await request(rest, name, params, token);
    } catch (err) {
      if (!(err instanceof ApiProblem) || err.code !== "unauthenticated") throw err;
      // The token ran out on the way, or the session has ended: the refresh tells which.
      return request(rest, name, params, await session.token(token));
    }
  }

  async function sync(): Promise<void> {
    const user = session.user.get();
    await catchUp.sync();
    if (user && session.user.get()?.id === user.id) change({ synced: true });
  }

  /** Over the socket while there is one, else by REST: the name makes it the same message. */
  async function deliver({
    chatId,
    clientMessageId,
    text,
    data,
  }: {
    chatId: string;
    clientMessageId: string;
    text: string;
    data?: Record<string, unknown>;
  }) {
    const params = { chatId, clientMessageId, text, ...(data ? { data } : {}) };
    if (connection.state.get() !== "online") return (await call("chat.message.send", params)).message;
    try {
      return ((await connection.ask(routes["chat.message.send"].socket, params)) as Result<"chat.message.send">).message;
    } catch (err) {
      if (!(err instanceof ApiProblem) || err.code !== "unauthenticated") throw err;
      // The socket stands on a token that ran out; REST renews it.
      return (await call("chat.message.send", params)).message;
    }
  }

  /** What the answer tells is an entry as good as one from the socket. */
  function arrived(message: Message): void {
    catchUp.receive([
      {
        chatId: message.chatId,
        rev: message.rev,
        by: message.senderId,
        at: message.createdAt,
        type: "message.sent",
        data: { message },
      },
    ]);
  }

  async function loadOlder(chatId: string): Promise<boolean> {
    const from = chats.get().get(chatId);
    if (!from || from.older === null) return false;
    const page = await call("chat.message.list", { chatId, before: from.older });
    const now = chats.get().get(chatId);
    // What is there may have been replaced meanwhile.
    if (now && now.messages[0]?.seq === from.messages[0]?.seq) chats.set(new Map(chats.get()).set(chatId, addOlder(now, page)));
    return true;
  }

  return {
    get: state.get,
    subscribe: state.subscribe,
    requestCode: (email) => request(rest, "user.code.request", { email }),
    async verify(params) {
      const signedIn: SignedIn = await request(rest, "user.code.verify", params);
      session.begin(signedIn);
      return signedIn.user;
    },
    async signOut() {
      await call("user.session.end", {}).catch(() => {});
      session.end();
    },
    async call(name, params) {
      const result = await call(name, params);
      if (name === "user.me.change" || name === "user.me.get") session.changeUser(result as Me);
      return result;
    },
    connect() {
      if (session.user.get()) connection.open();
    },
    disconnect: () => connection.close(),
    on: (event, listener) => connection.on(event, listener),
    sync,
    send: (chatId, text, data) => outbox.send(chatId, text, data),
    retry: (chatId, clientMessageId) => outbox.retry(chatId, clientMessageId),
    discard: (chatId, clientMessageId) => outbox.discard(chatId, clientMessageId),
    loadOlder(chatId) {
      const running = loading.get(chatId) ?? loadOlder(chatId).finally(() => loading.delete(chatId));
      loading.set(chatId, running);
      return running;
    },
    getToken: () => session.token(),
    close() {
      outbox.clear();
      connection.dispose();
      session.close();
    },
  };
}

/** Websocket first; coming back is the connection's own business, which knows about tokens and jitter. */
const openSocket = (url: string) =>
  io(url, {
    autoConnect: false,
    reconnection: false,
    transports: ["websocket", "polling"],
    tryAllTransports: true,
  }) as unknown as SocketLike;
