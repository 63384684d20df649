import {
  actionEntries,
  type ActionName,
  type Entry,
  type Params,
  type Result,
  type SocketEventName,
  type SocketPayload,
} from "@confab/contracts";
import { io, type Socket } from "socket.io-client";
import { ContractMismatch, contractOf, requireProblem, requireResult, requireSocketEvent } from "./contract.ts";
import { NoAnswer, Refused } from "./refusal.ts";
import { noteSecrets } from "./secrets.ts";
import { eventually, repairedMs } from "./wait.ts";

const patience = 20_000;
/** An event that was lost is repaired by then (G4), and the machine may be busy. */
const waitMs = repairedMs + 15_000;

type Heard = { [E in SocketEventName]: { event: E; payload: SocketPayload<E> } }[SocketEventName];

/** One socket that remembers all it heard and compares it with the contracts. */
export class TestSocket {
  /** All events in the order of their coming. */
  readonly heard: Heard[] = [];
  /** How many of them had come when each connection began: the socket comes back by itself. */
  readonly connectedAt: number[] = [];
  readonly #socket: Socket;
  #mismatch: Error | undefined;
  #refusal: Error | undefined;
  #closed = false;
  /** Why the connection ended, once it has. */
  disconnected: string | undefined;

  private constructor(url: string, token: string | undefined) {
    this.#socket = io(url, {
      auth: { token },
      transports: ["websocket"],
      forceNew: true,
      reconnectionDelay: 100,
      reconnectionDelayMax: 500,
    });
    this.#socket.on("connect", () => {
      this.disconnected = undefined;
      this.connectedAt.push(this.heard.length);
    });
    this.#socket.on("disconnect", (reason) => (this.disconnected = reason));
    this.#socket.on("connect_error", (error) => {
      // Without `data` nobody was there to refuse: the client keeps trying.
      const { data } = error as Error & { data?: unknown };
      if (data === undefined) return;
      this.#notice(() => {
        requireProblem(undefined, data, ["unauthenticated", "forbidden_origin", "internal", "unavailable"]);
        // Not now is not never: the client comes again by itself only where nobody answered.
        if (data.code === "unavailable")
          setTimeout(() => this.#closed || this.#socket.connect(), 1000 * (data.retryAfter ?? 1)).unref();
        else this.#refusal = new Refused("handshake", data);
      });
    });
    this.#socket.onAny((event: string, payload: unknown) => {
      this.#notice(() => requireSocketEvent(event, payload));
      this.heard.push({ event, payload } as Heard);
    });
  }

  static async open(url: string, token: string | undefined): Promise<TestSocket> {
    const socket = new TestSocket(url, token);
    try {
      await socket.waitFor("ready");
      return socket;
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  get id(): string | undefined {
    return this.#socket.id;
  }

  /** Calls an action by its socket event; throws Refused where Confab said no. */
  async call<N extends ActionName>(name: N, params: Params<N> | Record<string, unknown>): Promise<Result<N>> {
    const event = contractOf(name).socket;
    if (!event)
      throw new Error(
        `${name} has no socket event; these have: ${actionEntries.flatMap(([, { socket }]) => socket ?? []).join(", ")}`,
      );
    noteSecrets(params);
    let ack: unknown;
    try {
      ack = await this.#socket.timeout(patience).emitWithAck(event, params);
    } catch (error) {
      throw new NoAnswer(name, error);
    }
    this.check();
    const { ok, data, error } = (ack ?? {}) as { ok?: unknown; data?: unknown; error?: unknown };
    if (ok === true) {
      requireResult(name, data);
      return data as Result<N>;
    }
    if (ok !== false) throw new ContractMismatch(`the acknowledgement of ${event} says neither yes nor no`, ack);
    requireProblem(name, error);
    throw new Refused(name, error);
  }

  /** The payloads of one kind of event so far. */
  all<E extends SocketEventName>(event: E): SocketPayload<E>[] {
    return this.heard.filter((one) => one.event === event).map(({ payload }) => payload as SocketPayload<E>);
  }

  /** The log entries of a chat that this socket was told of, in the order of their coming. */
  entries(chatId: string): Entry[] {
    return this.all("chat:entry").filter((entry) => entry.chatId === chatId);
  }

  /** The same, connection by connection. */
  entriesByConnection(chatId: string): Entry[][] {
    return this.connectedAt.map((from, at) =>
      this.heard.slice(from, this.connectedAt[at + 1]).flatMap((one) => {
        return one.event === "chat:entry" && one.payload.chatId === chatId ? one.payload : [];
      }),
    );
  }

  /** The first such event, past or to come. */
  async waitFor<E extends SocketEventName>(
    event: E,
    wanted: (payload: SocketPayload<E>) => boolean = () => true,
    limit = waitMs,
  ): Promise<SocketPayload<E>> {
    return eventually(
      () => `the socket event ${event}; heard so far: ${this.#summary()}`,
      () => {
        this.check();
        if (this.#refusal) throw this.#refusal;
        return this.all(event).find(wanted);
      },
      { limit, every: 10, throwAtOnce: true },
    );
  }

  #summary(): string {
    const words = this.heard.map((one) =>
      one.event === "chat:entry" ? `${one.payload.chatId.slice(-4)}:${one.payload.rev}` : one.event,
    );
    return `${words.length} events, ${words.slice(0, 3).join(" ")} … ${words.slice(-5).join(" ")}${this.disconnected ? `; disconnected: ${this.disconnected}` : ""}`;
  }

  /** Throws what was wrong with anything heard so far. */
  check(): void {
    if (this.#mismatch) throw this.#mismatch;
  }

  close(): void {
    this.#closed = true;
    this.#socket.disconnect();
  }

  #notice(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.#mismatch ??= error as Error;
    }
  }
}
