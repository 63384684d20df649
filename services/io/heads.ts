import { setImmediate as breathe, setTimeout as pause } from "node:timers/promises";
import type { Result } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import { isProblem, toProblem } from "@confab/mixins/problem.ts";
import type { Fanout } from "./fanout.ts";
import { Gate } from "@confab/mixins/gate.ts";
import type { IoService } from "./service.ts";
import { chatIdOf, send, socketsOf } from "./sockets.ts";

/** Logs asked for in one question. */
const askAtOnce = 1000;
/** Milliseconds that what was just appended is given to come by itself. */
const onItsWay = 300;
const readAtOnce = 8;
/** Milliseconds that a round waits for the reading of one log. */
const patience = 5000;
/** Chats in which something was told within so many milliseconds are in the heads. */
const lately = 60_000;
/** Sockets told between two breaths, so that other work goes on. */
const tellAtOnce = 200;

type Head = { kind: "chats" | "users"; id: string; last: number };

/**
 * Events are hints that may be lost, and where nothing follows no gap shows. So each node asks now and then how far
 * the logs are that it follows, reads what it missed, and tells its sockets how far they should be (G4).
 */
export class Heads {
  readonly #service: IoService;
  readonly #every: number;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;
  #isAgain = false;
  #hasStopped = false;

  constructor(service: IoService) {
    this.#service = service;
    this.#every = service.settings.HEADS_EVERY * 1000;
  }

  start(): void {
    // Nodes that started together are not to ask together.
    this.#schedule(Math.random() * this.#every);
  }

  /** Asks now; where a round is under way, once more after it. */
  async ask(): Promise<void> {
    if (this.#round) {
      this.#isAgain = true;
      return this.#round;
    }
    clearTimeout(this.#timer);
    this.#round = this.#ask();
    try {
      await this.#round;
    } finally {
      this.#round = undefined;
      this.#schedule(this.#isAgain ? 0 : this.#every * (0.8 + 0.2 * Math.random()));
      this.#isAgain = false;
    }
  }

  stop(): void {
    this.#hasStopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(wait: number): void {
    if (this.#hasStopped) return;
    this.#timer = setTimeout(() => void this.ask(), wait);
    this.#timer.unref();
  }

  async #ask(): Promise<void> {
    try {
      for (const heads of this.#followed()) await this.#catchUp(heads);
      await this.#tell();
    } catch (err) {
      // Where nobody knows how far the logs are nothing is said of it; the next round asks again.
      if (!isProblem(toProblem(err), "unavailable")) this.#service.logger.error("The heads could not be looked up", err);
    }
  }

  *#followed(): IterableIterator<Head[]> {
    const { chats, users } = this.#service;
    const all = [
      ...Array.from(chats.heads(), ([id, last]): Head => ({ kind: "chats", id, last })),
      ...Array.from(users.heads(), ([id, last]): Head => ({ kind: "users", id, last })),
    ];
    for (let from = 0; from < all.length; from += askAtOnce) yield all.slice(from, from + askAtOnce);
  }

  async #catchUp(heads: readonly Head[]): Promise<void> {
    const { broker } = this.#service;
    const revs = (wanted: Head["kind"]) =>
      Object.fromEntries(heads.flatMap(({ kind, id, last }) => (kind === wanted ? [[id, last]] : [])));
    const ahead: Result<"chat.head.list"> = await call(broker, "chat.head.list", { chats: revs("chats"), users: revs("users") });
    const isAhead = { chats: new Set(ahead.chats), users: new Set(ahead.users) };
    const behind = heads.filter(({ kind, id }) => isAhead[kind].has(id));
    if (behind.length === 0) return;
    await pause(onItsWay, undefined, { ref: false });
    const reading = new Gate(readAtOnce);
    await Promise.all(
      behind.map(({ kind, id, last }) =>
        reading.run(async () => {
          const logs: Pick<Fanout<unknown>, "at" | "catchUp"> = this.#service[kind];
          // One that has gone on meanwhile shows by its next number what it lacks.
          if (logs.at(id) === last) await Promise.race([logs.catchUp(id), pause(patience, undefined, { ref: false })]);
        }),
      ),
    );
  }

  /** Tells each socket how far it is told: what counts here it has been sent before. */
  async #tell(): Promise<void> {
    const { chats, users } = this.#service;
    for (const [at, socket] of socketsOf(this.#service).entries()) {
      if (at % tellAtOnce === tellAtOnce - 1) await breathe();
      const userRev = users.at(socket.data.userId);
      // It has left, or is not subscribed yet.
      if (userRev === undefined) continue;
      const since = Date.now() - lately;
      const heads = [...socket.rooms].flatMap((room) => {
        const chatId = chatIdOf(room);
        const rev = chatId && chats.movedSince(chatId, since);
        return rev === undefined || !chatId ? [] : [[chatId, rev] as const];
      });
      send(socket, "heads", { userRev, chats: Object.fromEntries(heads) as Record<string, number> });
    }
  }
}
