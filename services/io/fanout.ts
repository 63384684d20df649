import { setTimeout as pause } from "node:timers/promises";
import { Gate } from "@confab/mixins/gate.ts";

interface Followed<E> {
  /** The last place that the sockets of this node have been given. */
  last: number;
  /** When that was, by this node's clock; 0 where nothing was given since it is followed. */
  movedAt: number;
  /** The furthest place that is known to be taken. */
  known: number;
  /** Entries that came before their turn. */
  early: Map<number, E>;
  /** Whether the log is to be read even where nothing is known to be missing. */
  look: boolean;
  filling: Promise<void> | undefined;
  /** Who waits for a place to be given. */
  waiting: { place: number; done: (reached: boolean) => void }[];
}

interface Ways<E> {
  placeOf: (entry: E) => number;
  /** Gives an entry to the sockets of this node that follow its log. */
  deliver: (id: string, entry: E) => void;
  /**
   * Reads entries after a place from the log, ascending. `upTo`: between `after` and there are no others, though the
   * numbers have gaps.
   */
  fetch: (id: string, after: number) => Promise<{ entries: readonly E[]; upTo?: number }>;
  onError: (err: unknown) => void;
}

/** Milliseconds that an entry before its turn waits for the one before it to come by itself. */
const grace = 40;
/** Milliseconds between two readings that bring nothing, at most. */
const maxPause = 2000;
/** Entries kept before their turn, of one log and of all; beyond that the log is read anyway. */
const maxEarly = 100;
const maxEarlyInAll = 5000;
const maxWaiting = 100;
const readAtOnce = 16;

/**
 * Puts in order what reaches this node of many logs, each numbered 1, 2, 3 … Entries come from several nodes by ways
 * that may swap, lose or repeat them; sockets get each log's by its numbers, every one, once. What is missing is read
 * from the log before it goes on (G4).
 */
export class Fanout<E> {
  readonly #followed = new Map<string, Followed<E>>();
  readonly #ways: Ways<E>;
  readonly #reading = new Gate(readAtOnce);
  #earlyInAll = 0;

  constructor(ways: Ways<E>) {
    this.#ways = ways;
  }

  /** From now on entries after this place are delivered. A log that is followed already stays where it is. */
  follow(id: string, place: number): void {
    if (this.#followed.has(id)) return;
    const none = { early: new Map<number, E>(), look: false, filling: undefined, waiting: [] };
    this.#followed.set(id, { last: place, movedAt: 0, known: place, ...none });
  }

  unfollow(id: string): void {
    const followed = this.#followed.get(id);
    if (!followed) return;
    this.#followed.delete(id);
    this.#earlyInAll -= followed.early.size;
    for (const { done } of followed.waiting.splice(0)) done(false);
  }

  /** The last place that was given; nothing where the log is not followed. */
  at(id: string): number | undefined {
    return this.#followed.get(id)?.last;
  }

  /** The same where something was given since. */
  movedSince(id: string, since: number): number | undefined {
    const followed = this.#followed.get(id);
    return followed && followed.movedAt >= since ? followed.last : undefined;
  }

  /** Every log that is followed, and how far. */
  *heads(): IterableIterator<[id: string, last: number]> {
    for (const [id, { last }] of this.#followed) yield [id, last];
  }

  receive(id: string, entries: readonly E[]): void {
    const followed = this.#followed.get(id);
    if (!followed) return;
    for (const entry of entries) {
      // Whoever was given the one before may have been the last to follow.
      if (this.#followed.get(id) !== followed) return;
      const place = this.#ways.placeOf(entry);
      if (place > followed.last + 1) this.#keep(followed, place, entry);
      else if (place === followed.last + 1) {
        this.#give(id, followed, place, entry);
        this.#drain(id, followed);
      }
    }
    if (followed.last < followed.known) void this.#fill(id, followed, grace);
  }

  /** Reads what the log has beyond the last place, for one whose entries may have gone by unheard. */
  async catchUp(id: string): Promise<void> {
    const followed = this.#followed.get(id);
    if (!followed) return;
    // A reading that is under way may have begun too early; it is followed by another.
    followed.look = true;
    await this.#fill(id, followed, 0);
  }

  /**
   * Waits until this place, which is known to be taken, has been given; false where that does not come to pass in time,
   * or too many wait already of those who may come in any number.
   */
  async reach(id: string, place: number, patience = 2000, inAnyNumber = true): Promise<boolean> {
    const followed = this.#followed.get(id);
    if (!followed) return false;
    if (followed.last >= place) return true;
    if (inAnyNumber && followed.waiting.length >= maxWaiting) return false;
    followed.known = Math.max(followed.known, place);
    return new Promise((resolve) => {
      const waiter = { place, done: (reached: boolean) => (clearTimeout(timer), resolve(reached)) };
      const timer = setTimeout(() => {
        followed.waiting = followed.waiting.filter((other) => other !== waiter);
        resolve(false);
      }, patience);
      followed.waiting.push(waiter);
      void this.#fill(id, followed, grace);
    });
  }

  #keep(followed: Followed<E>, place: number, entry: E): void {
    followed.known = Math.max(followed.known, place);
    if (followed.early.has(place) || followed.early.size >= maxEarly || this.#earlyInAll >= maxEarlyInAll) return;
    followed.early.set(place, entry);
    this.#earlyInAll++;
  }

  #give(id: string, followed: Followed<E>, place: number, entry: E): void {
    this.#moveTo(followed, place);
    followed.movedAt = Date.now();
    this.#ways.deliver(id, entry);
  }

  #moveTo(followed: Followed<E>, place: number): void {
    followed.last = place;
    followed.known = Math.max(followed.known, place);
    if (followed.waiting.length === 0) return;
    const reached = followed.waiting.filter((waiter) => waiter.place <= place);
    followed.waiting = followed.waiting.filter((waiter) => waiter.place > place);
    for (const { done } of reached) done(true);
  }

  /** Gives what was kept and is now next. */
  #drain(id: string, followed: Followed<E>): void {
    for (let next = followed.early.get(followed.last + 1); next !== undefined; next = followed.early.get(followed.last + 1)) {
      if (this.#followed.get(id) !== followed) return;
      followed.early.delete(followed.last + 1);
      this.#earlyInAll--;
      this.#give(id, followed, followed.last + 1, next);
    }
  }

  /** Gives what was read. Up to `upTo` that is all there is, whatever came early. */
  #take(id: string, followed: Followed<E>, entries: readonly E[], upTo: number): void {
    for (const entry of entries) {
      if (this.#followed.get(id) !== followed) return;
      const place = this.#ways.placeOf(entry);
      // Entries may have come by themselves while the log was read.
      if (place === followed.last + 1 || (place > followed.last && place <= upTo)) this.#give(id, followed, place, entry);
    }
    if (this.#followed.get(id) !== followed) return;
    if (upTo > followed.last) this.#moveTo(followed, upTo);
    for (const place of followed.early.keys()) {
      if (place <= followed.last && followed.early.delete(place)) this.#earlyInAll--;
    }
    this.#drain(id, followed);
  }

  #fill(id: string, followed: Followed<E>, wait: number): Promise<void> {
    followed.filling ??= this.#read(id, followed, wait).finally(() => (followed.filling = undefined));
    return followed.filling;
  }

  async #read(id: string, followed: Followed<E>, wait: number): Promise<void> {
    const isNeeded = () => (followed.look || followed.last < followed.known) && this.#followed.get(id) === followed;
    for (let idle = wait; isNeeded();) {
      if (idle > 0) {
        await pause(idle, undefined, { ref: false });
        if (!isNeeded()) return;
      }
      try {
        const { before, isLook, answer } = await this.#reading.run(async () => {
          const { last: before, look: isLook } = followed;
          followed.look = false;
          return { before, isLook, answer: await this.#ways.fetch(id, before) };
        });
        this.#take(id, followed, answer.entries, answer.upTo ?? 0);
        const hasMoved = followed.last > before;
        // A page that brought something may not be the last.
        if (isLook && hasMoved) followed.look = true;
        // The log cannot lack what is known to be taken, unless a read was older than that.
        idle = hasMoved ? 0 : Math.min(Math.max(idle * 2, grace), maxPause);
      } catch (err) {
        followed.look = true;
        this.#ways.onError(err);
        idle = Math.min(Math.max(idle * 2, grace), maxPause);
      }
    }
  }
}
