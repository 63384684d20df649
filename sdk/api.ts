/* What the client offers: the shapes of its state, and what can be done with it. */
import type {
  Chat,
  Limits,
  Me,
  Mentions,
  Message,
  Params,
  Preferences,
  Presence,
  ProblemDocument,
  Receipt,
  Result,
  SocketEventName,
  SocketPayload,
} from "@confab/contracts";
import type { ConnectionState, SocketLike } from "./connection.ts";
import type { ClientStorage } from "./platform.ts";
import type { RouteName } from "./routes.ts";
import type { Observable } from "./store.ts";

export interface ClientOptions {
  /** Where Confab answers, such as `https://chat.example.com`. */
  url: string;
  /** Makes the requests; the platform's own by default. */
  fetch?: typeof fetch;
  /** Keeps the tokens and what was not sent yet; `localStorage` in browsers, memory elsewhere. */
  storage?: ClientStorage;
  /** Makes the socket; socket.io-client's by default. */
  socket?: (url: string) => SocketLike;
  /**
   * Where the host's own backend signs people in: asks it for an access token. It is asked again when a token was
   * refused or runs out. The user is then read from `GET /users/me`, and the client itself signs nobody in.
   */
  getToken?: () => Promise<string>;
}

/** Everything that a screen shows. A new object after every change, and nothing in it ever changes in place. */
export interface ClientState {
  /** Who is signed in; null when nobody is, or while it is not known yet whose tokens `getToken()` gives. */
  readonly user: Me | null;
  readonly connection: ConnectionState;
  /** Whether all chats have been caught up with since the last `connect()`. */
  readonly synced: boolean;
  /** The chats that one is in, by id. */
  readonly chats: ReadonlyMap<string, ChatState>;
  /** The ids of the people that one has blocked. */
  readonly blocks: ReadonlySet<string>;
  /** Null until they are known. */
  readonly preferences: Preferences | null;
  /** Of the people named to `watchPresence()`, those that one may see, by id. */
  readonly presence: ReadonlyMap<string, Presence>;
  /** What the server allows; null until a connection was ready for the first time. */
  readonly limits: Limits | null;
}

/** What the log tells of a chat, as far as it is at hand. */
export interface ChatLog {
  /** As `GET /chats/:chatId` answers it; its counts and its last message follow the log. */
  readonly chat: Chat;
  /** All entries up to here have been applied to the messages. */
  readonly rev: number;
  /** The newest messages, ascending by seq without a hole. */
  readonly messages: readonly Message[];
  /** Where older messages go on (`before` of chat.message.list); null when all are here. */
  readonly older: number | null;
  /** Messages elsewhere in the chat, after `jump()`; null while one is at the newest. */
  readonly window: MessageWindow | null;
  /** Single messages that are not in the runs above and were asked for by `message()`, by id. They follow the log, too. */
  readonly quoted: ReadonlyMap<string, Message>;
}

export interface ChatState extends ChatLog {
  /** Own messages that have no place in the log yet, in the order of their writing. */
  readonly outgoing: readonly Outgoing[];
  /** The ids of those who are typing, the latest last; never one's own. */
  readonly typing: readonly string[];
  /** How far the members have come, by user id; empty until `loadReceipts()`. Whoever joins is in it after moving. */
  readonly receipts: ReadonlyMap<string, Receipt>;
}

/** A run of messages that does not reach the newest ones. */
export interface MessageWindow {
  /** Ascending by seq without a hole. */
  readonly messages: readonly Message[];
  /** Where older ones go on; null at the first message. */
  readonly before: number | null;
  /** Where newer ones go on; null at the newest message. */
  readonly after: number | null;
  /** The seq that was jumped to. */
  readonly target: number;
}

/** A message on its way: its name stays the same however often it is sent, also over a reload. */
export interface Outgoing extends SendOptions {
  clientMessageId: string;
  chatId: string;
  text: string;
  /** ISO 8601; when it was written. */
  at: string;
  status: "pending" | "failed";
  /** Why it failed. */
  problem?: ProblemDocument;
  /** The log holds it up to here at the latest, once the server has answered. */
  rev?: number;
}

export interface SendOptions {
  /** The id of another message of the chat. */
  replyTo?: string;
  /** The ids of members whom the message names, or all. */
  mentions?: Mentions;
  /** The host's own JSON object, 8 KB and 32 levels at most. */
  data?: Record<string, unknown>;
}

/** What to change of a message; the rest stays. */
export type Edit = Pick<Params<"chat.message.edit">, "text" | "mentions" | "data">;

/** Everything that is asked of the server rejects with `ApiProblem`, whose `code` says why. */
export interface Client extends Observable<ClientState> {
  /** Mails a sign-in code. */
  requestCode(email: string): Promise<Result<"user.code.request">>;
  /** Signs in by the mailed code, or signs up; `name` is used at the first time. */
  verify(params: Params<"user.code.verify">): Promise<Me>;
  /** Ends the session on the server, as far as it can be reached, and forgets it and everything unsent here in any case. */
  signOut(): Promise<void>;
  /**
   * Calls an action by its name, with the token where it wants one. What it answers goes into the state as well: what
   * signs in (`user.session.login` and the like) signs this client in. Where that rejects with `user.totp_required`, a
   * second factor is on, and the same is to be asked again with `totp`.
   */
  call<N extends RouteName>(name: N, params: Params<N>): Promise<Result<N>>;
  /** Opens the socket and keeps it open, catching up each time it is ready. Without a user it does nothing. */
  connect(): void;
  /** Closes the socket; the state stays as it is. */
  disconnect(): void;
  /** Listens to an event of the socket as it comes. Returns what ends that. */
  on<N extends SocketEventName>(event: N, listener: (payload: SocketPayload<N>) => void): () => void;
  /** Catches up with all that changed. It happens by itself while connected. */
  sync(): Promise<void>;

  /**
   * Sends a message. It shows as pending in the state at once, is sent again under the same name until the server has
   * answered, also after a reload, and shows as failed where the server refused it; then this rejects with the problem.
   */
  send(chatId: string, text: string, options?: SendOptions): Promise<Message>;
  /** Sends a failed message again, under its name. Undefined where there is none. */
  retry(chatId: string, clientMessageId: string): Promise<Message> | undefined;
  /** Gives a failed message up. */
  discard(chatId: string, clientMessageId: string): void;
  /** Changes one's own message. While the server is unavailable this is tried again for half a minute. */
  edit(chatId: string, messageId: string, changes: Edit): Promise<Message>;
  /** Deletes a message; likewise. */
  remove(chatId: string, messageId: string): Promise<Message>;
  /** Adds a reaction (`on`), or takes it back; likewise. */
  react(chatId: string, messageId: string, emoji: string, on: boolean): Promise<Message>;

  /**
   * Moves one's own pointer forward to `seq`, or to the newest message. The state shows it at once; the server is told
   * within about a second, of many chats together, as often as it takes. That messages were received is told likewise,
   * by itself.
   */
  markRead(chatId: string, seq?: number): void;
  /** Says that one is typing, or no longer. May be called at every key: it is told only as often as the limits want. */
  setTyping(chatId: string, typing: boolean): void;
  /** Watches whether these people are online, instead of those before: the first 200. It is kept up over reconnects. */
  watchPresence(userIds: readonly string[]): void;
  /** Reads how far the members of a chat have come; from then on it is followed. Once per opening of a chat is enough. */
  loadReceipts(chatId: string): Promise<void>;

  /** Fetches an older page into the window where there is one, else above the newest messages. False when there is none. */
  loadOlder(chatId: string): Promise<boolean>;
  /** Fetches a newer page into the window. When it reaches the newest messages, it becomes one with them. False without a window. */
  loadNewer(chatId: string): Promise<boolean>;
  /** Opens a window around a message, unless it is at hand. */
  jump(chatId: string, seq: number): Promise<void>;
  /** Goes back to the newest messages. */
  leaveWindow(chatId: string): void;
  /** One message, from the state or else from the server; then it is kept up in `quoted`. */
  message(chatId: string, messageId: string): Promise<Message>;

  /** An access token that is good for a while, for requests of one's own. */
  getToken(): Promise<string>;
  /** Ends everything that this client does; the session and what is unsent stay in the storage. */
  close(): void;
}
