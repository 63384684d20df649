import type { ProblemDocument, SocketEventName, SocketPayload } from "@confab/contracts";
import { jitter, onWindow } from "./platform.ts";
import { ApiProblem, offline } from "./problem.ts";
import type { Session } from "./session.ts";
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

const events = ["ready", "chat:entry", "session:revoked", "server:draining"] as const satisfies readonly SocketEventName[];
const ackMs = 10_000;

/**
 * The socket, kept up: it connects with a good token, comes back with full jitter when it was lost, minds what a node
 * that leaves asks for, and ends when the session does.
 */
export class Connection {
  readonly #session: Session;
  readonly #socket: SocketLike;
  readonly #state = createStore<ConnectionState>("closed");
  readonly #listeners = new Map<SocketEventName, Set<Listener>>();
  readonly #stopListening: () => void;
  #wanted = false;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #refused: string | undefined;
  #token: string | undefined;

  constructor(session: Session, socket: SocketLike) {
    this.#session = session;
    this.#socket = socket;
    for (const event of events) socket.on(event, (payload) => this.#tell(event, payload));
    socket.on("connect_error", (err: Error & { data?: Partial<ProblemDocument> }) =>
      this.#lost(err.data?.code === "unauthenticated"),
    );
    socket.on("disconnect", () => this.#lost(false));
    this.on("ready", () => {
      this.#attempt = 0;
      this.#state.set("online");
    });
    this.on("session:revoked", () => this.#session.end());
    this.on("server:draining", ({ reconnectIn }) => this.#comeBack(reconnectIn));
    this.#stopListening = onWindow("online", () => this.#wanted && !socket.connected && this.#comeBack(0));
  }

  get state(): Observable<ConnectionState> {
    return this.#state;
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
    clearTimeout(this.#timer);
    this.#state.set("closed");
    this.#socket.disconnect();
  }

  dispose(): void {
    this.close();
    this.#stopListening();
  }

  /** Sends an event and waits for its answer. Throws `ApiProblem`, `offline` where none came. */
  async ask(event: string, payload: unknown): Promise<unknown> {
    const ack = (await this.#socket
      .timeout(ackMs)
      .emitWithAck(event, payload)
      .catch(() => Promise.reject(offline("No answer came over the socket")))) as Ack;
    if (!ack.ok) throw new ApiProblem(ack.error);
    return ack.data;
  }

  async #connect(): Promise<void> {
    try {
      const token = await this.#session.token(this.#refused);
      if (!this.#wanted) return;
      this.#token = token;
      this.#socket.auth = { token };
      this.#socket.connect();
    } catch {
      // Refused for good: signing out has closed this already.
      this.#lost(false);
    }
  }

  #lost(tokenRefused: boolean): void {
    this.#refused = tokenRefused ? this.#token : undefined;
    if (!this.#wanted) return;
    this.#state.set("offline");
    this.#comeBack(jitter(this.#attempt++));
  }

  #comeBack(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (!this.#wanted) return;
      // Also from a node that is leaving: the next one is somewhere else.
      if (this.#socket.connected) this.#socket.disconnect();
      clearTimeout(this.#timer);
      void this.#connect();
    }, ms);
  }

  #tell<N extends SocketEventName>(event: N, payload: SocketPayload<N>): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) listener(payload as never);
  }
}
