import type { ProblemDocument, SocketEventName, SocketPayload } from "@confab/contracts";
import { jitter, onWindow } from "./platform.ts";
import { ApiProblem, offline, pauseAfter } from "./problem.ts";
import type { Identity } from "./session.ts";
import { createStore, type Observable } from "./store.ts";

/** `offline`: no way to the server just now; it is tried again by itself as long as one wants to be connected. */
export type ConnectionState = "closed" | "connecting" | "online" | "offline";

/** What is used of a socket of socket.io-client. */
export interface SocketLike {
  auth: unknown;
  connected: boolean;
  connect(): unknown;
  disconnect(): unknown;
  on(event: string, listener: (payload: never) => void): unknown;
  timeout(ms: number): { emitWithAck(event: string, payload: unknown): Promise<unknown> };
}

type Ack = { ok: true; data: unknown } | { ok: false; error: ProblemDocument };
type Listener = (payload: never) => void;

const events = Object.keys({
  ready: true,
  "chat:entry": true,
  "user:entry": true,
  receipt: true,
  typing: true,
  presence: true,
  heads: true,
  "session:expiring": true,
  "session:revoked": true,
  "server:draining": true,
} satisfies Record<SocketEventName, true>) as SocketEventName[];

const ackMs = 10_000;
/** A connection that has not said `ready` after so many milliseconds is given up: the word may have been lost. */
const readyMs = 15_000;

/**
 * The socket, kept up: it connects with a good token and renews it, comes back with full jitter when it was lost, minds
 * what a node that leaves or is busy asks for, and ends when the session does.
 */
export class Connection {
  readonly #identity: Identity;
  readonly #socket: SocketLike;
  readonly #state = createStore<ConnectionState>("closed");
  readonly #listeners = new Map<SocketEventName, Set<Listener>>();
  readonly #stopListening: () => void;
  #wanted = false;
  #attempt = 0;
  /** Counts connections, so that what one waited for is nothing to the next. */
  #turn = 0;
  #comingBack: ReturnType<typeof setTimeout> | undefined;
  #gettingReady: ReturnType<typeof setTimeout> | undefined;
  #refused: string | undefined;
  #token: string | undefined;

  constructor(identity: Identity, socket: SocketLike) {
    this.#identity = identity;
    this.#socket = socket;
    for (const event of events) socket.on(event, (payload) => this.#tell(event, payload));
    socket.on("connect_error", (err: Error & { data?: Partial<ProblemDocument> }) => this.#lost(err.data));
    // What this side ended is known here.
    socket.on("disconnect", (reason: string) => reason !== "io client disconnect" && this.#lost());
    this.on("ready", () => {
      clearTimeout(this.#gettingReady);
      this.#attempt = 0;
      this.#state.set("online");
    });
    this.on("session:expiring", ({ expiresIn }) => void this.#renew(expiresIn));
    this.on("session:revoked", () => this.#identity.revoked());
    this.on("server:draining", ({ reconnectIn }) => this.#comeBack(reconnectIn));
    this.#stopListening = onWindow("online", () => this.#wanted && !socket.connected && this.#comeBack(0));
  }

  get state(): Observable<ConnectionState> {
    return this.#state;
  }

  /** Whether it is to be kept up. */
  get wanted(): boolean {
    return this.#wanted;
  }

  on<N extends SocketEventName>(event: N, listener: (payload: SocketPayload<N>) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  open(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#attempt = 0;
    this.#state.set("connecting");
    void this.#connect();
  }

  close(): void {
    this.#wanted = false;
    this.#hangUp();
    this.#state.set("closed");
  }

  dispose(): void {
    this.close();
    this.#stopListening();
  }

  /** Sends an event and waits for its answer. Throws `ApiProblem`, `offline` where none came. */
  async ask(event: string, payload: unknown): Promise<unknown> {
    // What is sent now would wait for the next connection, and then be sent whether or not somebody still wants it.
    if (!this.#socket.connected) throw offline("There is no socket");
    const ack = (await this.#socket
      .timeout(ackMs)
      .emitWithAck(event, payload)
      .catch(() => Promise.reject(offline("No answer came over the socket")))) as Ack;
    if (!ack.ok) throw new ApiProblem(ack.error);
    return ack.data;
  }

  async #connect(): Promise<void> {
    const turn = ++this.#turn;
    try {
      const token = await this.#identity.token(this.#refused);
      if (!this.#wanted || turn !== this.#turn) return;
      this.#token = token;
      this.#socket.auth = { token };
      this.#gettingReady = setTimeout(() => this.#lost(), readyMs);
      this.#socket.connect();
    } catch (err) {
      // Refused for good: signing out has closed this already.
      if (turn === this.#turn) this.#lost(err instanceof ApiProblem ? err.document : undefined);
    }
  }

  /** A new token for a socket whose own runs out. Should it not get there in time, the socket is closed and comes back. */
  async #renew(expiresIn: number): Promise<void> {
    const turn = this.#turn;
    const until = Date.now() + expiresIn * 1000;
    for (let attempt = 0; turn === this.#turn && Date.now() < until; attempt++) {
      try {
        const token = await this.#identity.token(this.#token);
        if (turn !== this.#turn) return;
        await this.ask("auth:refresh", { token });
        this.#token = token;
        return;
      } catch (err) {
        const pause = pauseAfter(err, attempt);
        if (pause === undefined) return;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  #lost(problem?: Partial<ProblemDocument>): void {
    this.#hangUp();
    this.#refused = problem?.code === "unauthenticated" ? this.#token : undefined;
    if (!this.#wanted) return;
    this.#state.set("offline");
    const { retryAfter } = problem ?? {};
    this.#comeBack(retryAfter === undefined ? jitter(this.#attempt++) : retryAfter * 1000 + jitter(0));
  }

  #comeBack(ms: number): void {
    clearTimeout(this.#comingBack);
    this.#comingBack = setTimeout(() => {
      if (!this.#wanted) return;
      // Also from a node that is leaving: the next one is somewhere else.
      this.#hangUp();
      if (this.#state.get() === "online") this.#state.set("connecting");
      void this.#connect();
    }, ms);
  }

  #hangUp(): void {
    this.#turn++;
    clearTimeout(this.#comingBack);
    clearTimeout(this.#gettingReady);
    this.#socket.disconnect();
  }

  #tell<N extends SocketEventName>(event: N, payload: SocketPayload<N>): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) listener(payload as never);
  }
}
