import type { Params, Result } from "@confab/contracts";
import { v7 as uuid } from "uuid";
import type { DigestStore, Noted, StoredScan } from "../store/digest.store.ts";

type Page = Result<"chat.digest.scan">;

export interface ScannerOptions {
  store: Pick<DigestStore, "beginScan" | "claimScan" | "advanceScan" | "leaveScan" | "note">;
  scan: (params: Params<"chat.digest.scan">) => Promise<Page>;
  /** How often it is looked. */
  everyMs: number;
  /** How long after a message somebody is looked at who may have to be mailed of it. */
  lookAfterMs: number;
  now?: () => number;
}

const pageSize = 500;
/** So long before the last look it is looked again: ids are made a moment before their messages are stored. */
const overlapMs = 10_000;
/** And every five minutes so long before the last time: clocks differ, and stores may be slow. */
const longOverlapMs = 120_000;
const longEveryMs = 300_000;
/** For so long a message is looked at again. */
const rememberMs = 2 * (longOverlapMs + longEveryMs);
/** Chats of which it is remembered how far they were looked at. */
const maxKnown = 5000;

/**
 * Looks through the messages of all chats in the order of their ids, and notes whom they may concern. One node at a
 * time does, and another goes on where it stops: the place is durable, and moves only once all before it is noted.
 */
export class Scanner {
  readonly #options: Required<ScannerOptions>;
  readonly #worker = uuid();
  /** Looked at by this node lately, by chat: up to which seq, so that overlaps cost nothing more. */
  readonly #known = new Map<string, { seq: number; at: number }>();

  constructor(options: ScannerOptions) {
    this.#options = { now: Date.now, ...options };
  }

  /** What was written before the very first start concerns nobody. */
  begin(): Promise<void> {
    const { store, now } = this.#options;
    return store.beginScan(idAt(now()), now(), this.#worker);
  }

  /** Looks through all that is new. False where another node does. */
  async look(): Promise<boolean> {
    const { store, scan, lookAfterMs, now } = this.#options;
    const startedAt = now();
    const claimed = await store.claimScan(this.#worker, startedAt, this.#until());
    if (!claimed) return false;
    let place: StoredScan = claimed;
    const isLong = startedAt - place.longAt >= longEveryMs;
    const done = { at: startedAt, longAt: isLong ? startedAt : place.longAt };
    // What was stored since it was last looked has an id of a time that is not long before that.
    const from = idAt(isLong ? place.longAt - longOverlapMs : place.at - overlapMs);
    for (let after = later(earlier(from, place.after), place.begun); ;) {
      const known = Object.fromEntries([...this.#known].map(([chatId, { seq }]) => [chatId, seq]));
      const page = await scan({ after, limit: pageSize, known });
      await store.note(peopleOf(page), lookAfterMs);
      this.#remember(page);
      after = page.last ?? after;
      // Up to where it was before, this look tells something new only once it is through.
      if (page.last !== null && after < place.after) continue;
      // A clock that is ahead made the last id: those of the others are still to come.
      const to = { ...done, after: later(place.after, earlier(after, idAt(now()))) };
      if (!(await store.advanceScan(place, to, this.#until()))) return false;
      place = { ...place, ...to };
      if (page.last === null) return true;
    }
  }

  /** Lets another node go on at once. */
  leave(): Promise<void> {
    return this.#options.store.leaveScan(this.#worker);
  }

  #remember({ items }: Page): void {
    const at = this.#options.now();
    for (const { chatId, seq } of items) {
      // The latest last.
      this.#known.delete(chatId);
      this.#known.set(chatId, { seq, at });
    }
    for (const [chatId, known] of this.#known) {
      if (this.#known.size <= maxKnown && known.at >= at - rememberMs) break;
      this.#known.delete(chatId);
    }
  }

  readonly #until = () => this.#options.now() + scanLeaseMs(this.#options.everyMs);
}

/** A node that looks every `everyMs` and did not for so long is taken for dead. */
export const scanLeaseMs = (everyMs: number): number => 2 * everyMs + 3000;

/** When each of those whom the page concerns was written to first. */
function peopleOf({ items }: Page): Map<string, Noted> {
  const people = new Map<string, Noted>();
  for (const { at, userIds, urgentIds } of items) {
    for (const userId of userIds) people.set(userId, { ...people.get(userId), at: Math.min(at, people.get(userId)?.at ?? at) });
    for (const userId of urgentIds) {
      const noted = people.get(userId) ?? { at };
      people.set(userId, { ...noted, urgentAt: Math.min(at, noted.urgentAt ?? at) });
    }
  }
  return people;
}

const zeros = new Uint8Array(16);
/** The first id of a millisecond. */
export const idAt = (ms: number): string => uuid({ msecs: Math.max(0, Math.floor(ms)), seq: 0, random: zeros });
const earlier = (one: string, other: string) => (one < other ? one : other);
const later = (one: string, other: string) => (one > other ? one : other);
