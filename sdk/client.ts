import type { Chat, Me, Message, Params, Preferences, Result, SignedIn } from "@confab/contracts";
import { io } from "socket.io-client";
import { noAccount, type Account } from "./account.ts";
import type { Client, ClientOptions, ClientState } from "./api.ts";
import { CatchUp } from "./catchup.ts";
import { Connection, type SocketLike } from "./connection.ts";
import { HostIdentity } from "./host.ts";
import { Outbox } from "./outbox.ts";
import { Pages } from "./pages.ts";
import { defaultStorage } from "./platform.ts";
import { Pointers } from "./pointers.ts";
import { PresenceWatch } from "./presence.ts";
import { Receipts } from "./receipts.ts";
import { Requests } from "./requests.ts";
import { request } from "./rest.ts";
import { routes, type RouteName } from "./routes.ts";
import { Session } from "./session.ts";
import { markRead, movePointers, type Logs } from "./state.ts";
import { createStore } from "./store.ts";
import { Typing } from "./typing.ts";
import { viewChats, type Parts } from "./view.ts";

/** Milliseconds in which an entry that an answer has told of should come over the socket. */
const entryWithin = 1000;

/** A client of Confab, for browsers and Node. */
export function createClient(options: ClientOptions): Client {
  const url = options.url.replace(/\/+$/, "");
  const rest = { url, fetch: options.fetch ?? globalThis.fetch.bind(globalThis) };
  const storage = options.storage ?? defaultStorage();
  const { getToken } = options;
  const session = getToken
    ? undefined
    : new Session({ name: url, storage, refresh: (refreshToken) => request(rest, "user.session.refresh", { refreshToken }) });
  const identity =
    session ?? new HostIdentity({ getToken: getToken!, readUser: (token) => request(rest, "user.me.get", {}, token) });
  const connection = new Connection(identity, (options.socket ?? openSocket)(url));
  const requests = new Requests(rest, identity, connection);

  const logs = createStore<Logs>(new Map());
  const account = createStore<Account>(noAccount);
  const state = createStore<ClientState>({
    user: identity.user.get(),
    connection: "closed",
    synced: false,
    chats: new Map(),
    blocks: noAccount.blocks,
    preferences: null,
    presence: new Map(),
    limits: null,
  });
  const change = (changes: Partial<ClientState>) => state.set({ ...state.get(), ...changes });
  const myId = () => identity.user.get()?.id ?? "";
  const isOnline = () => connection.state.get() === "online";

  const catchUp: CatchUp = new CatchUp({
    logs,
    account,
    myId,
    pull: (known) => requests.call("chat.sync.pull", known),
    patience: () => (isOnline() ? entryWithin : 0),
    renamed({ name, avatar }) {
      const user = identity.user.get();
      if (!user) return;
      const now = { ...user, name, avatar };
      if (now.name !== user.name || now.avatar !== user.avatar) identity.changeUser(now);
    },
    applied(entries) {
      typing.apply(entries);
      receipts.apply(entries);
    },
  });
  const pages = new Pages({
    logs,
    catchUp,
    myId,
    list: (params) => requests.call("chat.message.list", params),
    get: (params) => requests.call("chat.message.get", params),
  });
  const outbox = new Outbox({
    name: url,
    storage,
    logs,
    arrived: (message) => catchUp.learnMessage(message),
    async deliver({ chatId, clientMessageId, text, replyTo, mentions, data }, attempt) {
      const params = { chatId, clientMessageId, text, replyTo, mentions, data };
      return (await requests.ask("chat.message.send", params, attempt)).message;
    },
  });
  const pointers = new Pointers({
    tell: (moved, attempt) => requests.ask("chat.receipt.move", moved, attempt),
    told(chats) {
      for (const [chatId, to] of Object.entries(chats)) catchUp.change(chatId, (log) => movePointers(log, to, myId()));
    },
  });
  const typing: Typing = new Typing({
    myId,
    limits: () => state.get().limits,
    tell(chatId, isTyping) {
      const { limits } = state.get();
      const members = logs.get().get(chatId)?.chat.memberCount ?? 0;
      if (!isOnline() || (limits && members > limits.liveTyping)) return;
      const payload: Params<"io.typing.tell"> = { chatId, typing: isTyping };
      connection.ask("typing", payload).catch(() => {});
    },
  });
  const presence = new PresenceWatch({
    isOnline,
    async watch(userIds) {
      const payload: Params<"io.presence.watch"> = { userIds };
      return (await connection.ask("presence:watch", payload)) as Result<"io.presence.watch">;
    },
  });
  const receipts: Receipts = new Receipts({ read: (chatId) => requests.call("chat.receipt.list", { chatId }) });

  let seen: Logs = logs.get();
  logs.subscribe(() => {
    const now = logs.get();
    for (const [chatId, log] of now) if (log !== seen.get(chatId)) received(chatId);
    if (now.size < seen.size) receipts.keep((chatId) => now.has(chatId));
    seen = now;
  });
  let shown: Parts = { logs: seen, outgoing: [], typing: typing.state.get(), receipts: receipts.state.get() };
  const show = () => {
    const parts = {
      logs: logs.get(),
      outgoing: outbox.list.get(),
      typing: typing.state.get(),
      receipts: receipts.state.get(),
    };
    const before = state.get().chats;
    const chats = viewChats(before, shown, parts);
    shown = parts;
    if (chats !== before) change({ chats });
  };
  for (const part of [logs, outbox.list, typing.state, receipts.state]) part.subscribe(show);
  account.subscribe(({ blocks, preferences }) => {
    const known = state.get();
    if (blocks !== known.blocks || preferences !== known.preferences) change({ blocks, preferences });
  });
  presence.state.subscribe((value) => change({ presence: value }));
  connection.state.subscribe((value) => {
    if (value !== "online") typing.clear();
    change({ connection: value });
  });
  identity.user.subscribe(() => {
    const { user: before } = state.get();
    const user = identity.user.get();
    const { wanted } = connection;
    if (before && user?.id !== before.id) leave();
    change({ user });
    if (!user || user.id === before?.id) return;
    outbox.open(user.id);
    if (wanted) connection.open();
  });
  connection.on("ready", ({ epoch, limits }) => {
    catchUp.meet(epoch);
    change({ limits });
    outbox.hurry();
    pointers.hurry();
    presence.renew();
    receipts.renew();
    void sync().catch(() => {});
  });
  connection.on("chat:entry", (entry) => catchUp.receive([entry]));
  connection.on("user:entry", (entry) => catchUp.receiveOwn([entry]));
  connection.on("heads", (heads) => catchUp.receiveHeads(heads));
  connection.on("receipt", (told) => receipts.hear(told));
  connection.on("typing", (told) => typing.hear(told));
  connection.on("presence", (told) => presence.hear(told));
  if (identity.user.get()) outbox.open(myId());

  /** Nothing of one user is left for the next. */
  function leave(): void {
    connection.close();
    outbox.close();
    pointers.clear();
    typing.clear();
    presence.clear();
    receipts.clear();
    pages.clear();
    catchUp.forget();
    change({ synced: false });
  }

  /** What has come is told to the others by itself. */
  function received(chatId: string): void {
    const { messages, chat } = logs.get().get(chatId)!;
    const newest = messages.at(-1)?.seq ?? 0;
    if (newest > chat.me.deliveredSeq) pointers.move("delivered", chatId, newest);
  }

  async function sync(): Promise<void> {
    const me = myId();
    await catchUp.sync();
    if (me !== myId()) return;
    change({ synced: true });
    // Whoever never changed the preferences has no entry that tells them.
    if (account.get().preferences === null) await call("chat.preference.get", {}).catch(() => {});
  }

  async function call<N extends RouteName>(name: N, params: Params<N>): Promise<Result<N>> {
    if (isOneOf(signsIn, name)) requireSession();
    const me = myId();
    const since = account.get().userRev;
    const result = await requests.call(name, params);
    if (isOneOf(signsIn, name)) requireSession().begin(result as SignedIn);
    else if (me === myId()) learn(name, result, since);
    return result;
  }

  /** Puts what an action answered into the state. What it changed besides comes as entries. */
  function learn(name: RouteName, result: unknown, since: number): void {
    if (isOneOf(answersMe, name)) identity.changeUser(result as Me);
    // All sessions end with it, this one as well.
    else if (name === "user.me.erase") identity.end();
    else if (isOneOf(changesMe, name)) void call("user.me.get", {}).catch(() => {});
    else if (isOneOf(answersChat, name)) catchUp.learnChat(result as Chat, since);
    else if (isOneOf(answersMessage, name)) catchUp.learnMessage((result as { message: Message }).message);
    else if (isOneOf(answersPreferences, name) && since === account.get().userRev)
      account.set({ ...account.get(), preferences: result as Preferences });
    // Without a socket nobody tells what else was changed by it.
    const isChange = !routes[name].rest.startsWith("GET ") && name !== "chat.sync.pull";
    if (isChange && name.startsWith("chat.") && state.get().synced && !isOnline()) void sync().catch(() => {});
  }

  async function changeMessage(
    name: "chat.message.edit" | "chat.message.delete" | "chat.reaction.add" | "chat.reaction.remove",
    params: { chatId: string; messageId: string; emoji?: string },
  ): Promise<Message> {
    const { message } = await requests.insist(params.messageId, name, params);
    catchUp.learnMessage(message);
    return message;
  }

  function requireSession(): Session {
    if (!session) throw new Error("This client signs nobody in: its tokens come from getToken()");
    return session;
  }

  return {
    get: state.get,
    subscribe: state.subscribe,
    async requestCode(email) {
      requireSession();
      return call("user.code.request", { email });
    },
    async verify(params) {
      return (await call("user.code.verify", params)).user;
    },
    async signOut() {
      outbox.clear();
      await requests.call("user.session.end", {}).catch(() => {});
      identity.end();
    },
    call,
    connect() {
      if (!getToken && !identity.user.get()) return;
      if (!connection.wanted) change({ synced: false });
      connection.open();
    },
    disconnect: () => connection.close(),
    on: (event, listener) => connection.on(event, listener),
    sync,
    send(chatId, text, what) {
      typing.sent(chatId);
      return outbox.send(chatId, text, what);
    },
    retry: (chatId, clientMessageId) => outbox.retry(chatId, clientMessageId),
    discard: (chatId, clientMessageId) => outbox.discard(chatId, clientMessageId),
    edit: (chatId, messageId, changes) => changeMessage("chat.message.edit", { chatId, messageId, ...changes }),
    remove: (chatId, messageId) => changeMessage("chat.message.delete", { chatId, messageId }),
    react: (chatId, messageId, emoji, on) =>
      changeMessage(on ? "chat.reaction.add" : "chat.reaction.remove", { chatId, messageId, emoji }),
    markRead(chatId, seq) {
      const log = logs.get().get(chatId);
      if (!log) return;
      const { lastSeq, me } = log.chat;
      const to = Math.min(seq ?? log.messages.at(-1)?.seq ?? lastSeq, lastSeq);
      if (to === 0 || (to <= me.readSeq && !me.markedUnread)) return;
      catchUp.change(chatId, (now) => markRead(now, to, myId()));
      pointers.move("read", chatId, to);
    },
    setTyping: (chatId, isTyping) => typing.set(chatId, isTyping),
    watchPresence: (userIds) => presence.watch(userIds),
    loadReceipts: (chatId) => receipts.load(chatId),
    loadOlder: (chatId) => pages.loadOlder(chatId),
    loadNewer: (chatId) => pages.loadNewer(chatId),
    jump: (chatId, seq) => pages.jump(chatId, seq),
    leaveWindow: (chatId) => pages.leaveWindow(chatId),
    message: (chatId, messageId) => pages.message(chatId, messageId),
    getToken: () => identity.token(),
    close() {
      leave();
      connection.dispose();
      outbox.dispose();
      identity.close();
    },
  };
}

const signsIn = ["user.code.verify", "user.session.login", "user.password.reset", "user.session.exchange"] as const;
const answersMe = ["user.me.get", "user.me.change", "user.email.confirm", "user.avatar.put", "user.avatar.remove"] as const;
/** What is another with the account afterwards, and not told by the answer. */
const changesMe = ["user.password.change", "user.totp.confirm", "user.totp.remove"] as const;
const answersChat = [
  "chat.chat.create",
  "chat.chat.get",
  "chat.chat.change",
  "chat.me.change",
  "chat.member.add",
  "chat.invite.accept",
] as const;
const answersMessage = [
  "chat.message.get",
  "chat.message.send",
  "chat.message.edit",
  "chat.message.delete",
  "chat.reaction.add",
  "chat.reaction.remove",
] as const;
const answersPreferences = ["chat.preference.get", "chat.preference.change"] as const;
const isOneOf = <N extends RouteName>(names: readonly N[], name: RouteName): name is N => names.includes(name as N);

/** Websocket first; coming back is the connection's own business, which knows about tokens and jitter. */
const openSocket = (url: string) =>
  io(url, {
    autoConnect: false,
    reconnection: false,
    transports: ["websocket", "polling"],
    tryAllTransports: true,
  }) as unknown as SocketLike;
