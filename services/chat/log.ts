import type { EntryType } from "@confab/contracts";
import { problem } from "@confab/mixins/problem.ts";
import { Unavailable, type Outcome } from "@confab/mixins/store/collection.ts";
import { setTimeout as pause } from "node:timers/promises";
import type { ChatState } from "./fold.ts";
import { place, type EntryBodies, type StoredEntry } from "./store/documents.ts";
import type { ChatStore } from "./store/chat.store.ts";
import type { WarmChats } from "./warm.ts";

/** What somebody wants to happen in a chat. */
export interface Intent<T extends EntryType = EntryType> {
  chatId: string;
  type: T;
  by: string;
  /** The same key in the same chat is the same entry, however often it is asked for (G3). */
  key: string;
  body: EntryBodies[T];
  /**
   * Entries of one chat that share a write must not stand on one another: those of other words here do not. Without a
   * word an entry has its chat's turn to itself.
   */
  aside?: string | ((state: Readonly<ChatState>) => string);
  /** Throws a problem where it may not happen. Pure; asked again whenever the chat has moved on. */
  decide: (state: Readonly<ChatState>) => void;
}

export interface Appended {
  entry: StoredEntry;
  /** False where the entry was there already. */
  isNew: boolean;
}

interface Waiting {
  intent: Intent;
  /** What is decided on where the chat is not among the warm ones: it is new, or has cooled down meanwhile. */
  state: ChatState;
  since: number;
  /** Whether the last refusal was on a state that had just been read. */
  fresh: boolean;
  /** Whether a write of this failed without telling what it stored. */
  uncertain: boolean;
  done: (result: Appended) => void;
  failed: (reason: unknown) => void;
}

/** One entry of a batch, and everybody who waits for it: the first, and repeats of the same key. */
interface Planned {
  entry: StoredEntry;
  waiting: Waiting[];
}

const maxBatch = 500;
const maxWaiting = 5000;
/** Milliseconds that an intent is tried for; then the asker gets a 503, and asking again is safe. */
const patience = 4000;

/**
 * The log of all chats, as this node appends to it. The insert of an entry at n+1 is the only commit: it is decided on
 * the state at n, and where another node was first it fails, the state is folded forward and the decision made again.
 * So nothing is decided on a past that somebody else has already changed, and no two nodes need to know of each other.
 *
 * One write is in flight at a time; what comes meanwhile shares the next one, whatever chats it is for.
 */
export class ChatLog {
  /** What an operator may want to know: entries stored, writes they took, places that another node had taken first. */
  readonly counts = { appended: 0, writes: 0, conflicts: 0, repeats: 0 };
  readonly #store: ChatStore;
  readonly #chats: WarmChats;
  readonly #tell: (entries: StoredEntry[]) => void;
  #waiting: Waiting[] = [];
  #running = false;

  /** `tell` hears of every entry that this node stored: in the order of their places within a chat, and again where an answer was lost. */
  constructor(store: ChatStore, chats: WarmChats, tell: (entries: StoredEntry[]) => void) {
    this.#store = store;
    this.#chats = chats;
    this.#tell = tell;
  }

  /** Appends one entry and answers when it is stored and has its place (G1). */
  async append<T extends EntryType>(intent: Intent<T>): Promise<Appended> {
    if (this.#waiting.length >= maxWaiting)
      throw problem("unavailable", { detail: "Too many messages are waiting", retryAfter: 1 });
    const state = this.#chats.peek(intent.chatId) ?? (await this.#chats.warm(intent.chatId));
    return new Promise((done, failed) => {
      this.#waiting.push({ intent, state, since: Date.now(), fresh: false, uncertain: false, done, failed });
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    // What arrives in the same turn of the event loop goes out together.
    await new Promise((resolve) => setImmediate(resolve));
    try {
      while (this.#waiting.length > 0) {
        const waiting = this.#waiting.splice(0);
        // A mistake of ours must leave nobody waiting. Whoever is settled already is not touched by this.
        await this.#write(waiting).catch((err: unknown) => waiting.forEach((one) => one.failed(err)));
      }
    } finally {
      this.#running = false;
    }
  }

  async #write(waiting: Waiting[]): Promise<void> {
    const { batch, ordered, later } = this.#plan(waiting);
    this.#waiting.unshift(...later);
    if (batch.length === 0) return;
    this.counts.writes++;
    let outcomes: Outcome[];
    try {
      outcomes = await this.#store.append(
        batch.map(({ entry }) => entry),
        ordered,
      );
    } catch (err) {
      await this.#recover(batch, err);
      return;
    }
    const stored: StoredEntry[] = [];
    const again: Waiting[] = [];
    const behind = new Set<string>();
    batch.forEach((planned, at) => {
      const outcome = outcomes[at]!;
      if (outcome === "stored") {
        stored.push(planned.entry);
        this.#settle(planned);
      } else if (outcome === "untried") {
        again.push(...planned.waiting);
      } else if (outcome.index === "key") {
        void this.#answerRepeat(planned);
      } else {
        // G1: another node took the place. Fold what it wrote and decide again.
        this.counts.conflicts++;
        behind.add(planned.entry.chatId);
        again.push(...planned.waiting);
      }
    });
    if (stored.length > 0) this.#tell(stored);
    if (again.length === 0) return;
    // Waited for, so that what one sender sent in order also takes its places in order.
    await this.#retry(again, behind);
  }

  /**
   * Decides each intent on its chat's state and gives it the next place. Only entries that do not stand on one another
   * follow one another in a batch: one that changes who may do what ends its chat's turn, so that nothing is decided
   * on what is not yet stored.
   */
  #plan(waiting: Waiting[]): { batch: Planned[]; ordered: boolean; later: Waiting[] } {
    const batch: Planned[] = [];
    const later: Waiting[] = [];
    const turns = new Map<string, Turn>();
    const now = Date.now();
    let ordered = false;
    for (const one of waiting) {
      const { intent } = one;
      // Whoever asked has been told by now that it did not happen: it must not happen by itself later.
      if (now - one.since > patience) {
        one.failed(problem("unavailable", { retryAfter: 1 }));
        continue;
      }
      const turn = turns.get(intent.chatId) ?? openTurn(this.#chats.peek(intent.chatId) ?? one.state);
      const { state } = turn;
      if (turn.closed || batch.length >= maxBatch) {
        later.push(one);
        continue;
      }
      try {
        intent.decide(state);
      } catch (refusal) {
        this.#refuse(one, refusal);
        continue;
      }
      const same = turn.byKey.get(intent.key);
      if (same) {
        same.waiting.push(one);
        continue;
      }
      const isMessage = intent.type === "message.sent";
      const aside = typeof intent.aside === "function" ? intent.aside(state) : intent.aside;
      const alone = aside === undefined;
      if (alone ? turn.rev > state.rev : turn.asides.has(aside)) {
        turn.closed ||= alone;
        later.push(one);
        continue;
      }
      turn.rev++;
      if (isMessage) turn.seq++;
      if (turn.rev > state.rev + 1) ordered = true;
      turn.closed = alone;
      if (!alone) turn.asides.add(aside);
      const planned = { entry: entryAt(intent, turn, isMessage), waiting: [one] };
      turn.byKey.set(intent.key, planned);
      turns.set(intent.chatId, turn);
      batch.push(planned);
    }
    return { batch, ordered, later };
  }

  /** A refusal counts only on a state that is not older than the intent: another node may just have let the sender in. */
  #refuse(one: Waiting, refusal: unknown): void {
    if (one.fresh || !this.#store.shared) {
      // What was stored by a write whose answer was lost may be the very reason of it.
      if (one.uncertain) void this.#answerLost(one, refusal);
      else one.failed(refusal);
      return;
    }
    this.#chats.refresh(one.intent.chatId).then(
      (state) => {
        Object.assign(one, { state, fresh: true });
        this.#waiting.push(one);
        void this.#run();
      },
      // What could not be read decides nothing.
      (err: unknown) => one.failed(err),
    );
  }

  async #answerLost({ intent, done, failed }: Waiting, refusal: unknown): Promise<void> {
    try {
      const found = await this.#store.findByKey(intent.chatId, intent.key);
      if (!found) return failed(refusal);
      this.#tell([found]);
      done({ entry: found, isNew: isOwn(found, intent) });
    } catch (err) {
      failed(err);
    }
  }

  #settle({ entry, waiting }: Planned): void {
    this.#chats.take(entry);
    this.counts.appended++;
    waiting.forEach((one, at) => one.done({ entry, isNew: at === 0 }));
  }

  /** The key is taken: whoever took it, everybody gets that entry (G3). */
  async #answerRepeat({ entry, waiting }: Planned): Promise<void> {
    try {
      const found = await this.#store.entryByKey(entry.chatId, entry.key);
      this.counts.repeats++;
      // It can be our own: a write whose answer was lost.
      const own = isOwn(found, entry);
      // Nobody has been told of what was stored by such a write. Being told twice harms nobody.
      if (waiting.some(({ uncertain }) => uncertain)) this.#tell([found]);
      waiting.forEach((one, at) => one.done({ entry: found, isNew: own && at === 0 }));
    } catch (err) {
      for (const one of waiting) one.failed(err);
    }
  }

  /**
   * The write failed in a way that leaves open what was stored. Nothing is lost or doubled by trying again: what was
   * stored is found by its key, and a write that is still under way can only take the place that it was meant for.
   */
  async #recover(batch: Planned[], err: unknown): Promise<void> {
    const waiting = batch.flatMap((planned) => planned.waiting);
    if (!(err instanceof Unavailable)) {
      for (const one of waiting) one.failed(err);
      return;
    }
    for (const one of waiting) one.uncertain = true;
    await pause(100);
    await this.#retry(waiting, new Set(batch.map(({ entry }) => entry.chatId)));
  }

  /** Reads on in the chats that have moved on, and lets these intents have another go. */
  async #retry(waiting: Waiting[], behind: ReadonlySet<string>): Promise<void> {
    const states = new Map<string, ChatState>();
    await Promise.all(
      [...behind].map(async (chatId) => {
        const before = this.#chats.peek(chatId)?.rev;
        // Where that fails the insert will be refused again, and there is a pause before the next go.
        const state = await this.#chats.refresh(chatId).catch(() => pause(50));
        if (state) states.set(chatId, state);
        // What took the place is on its way to the majority still, and we read only what has arrived there.
        if (state && state.rev === before) await pause(10);
      }),
    );
    for (const one of waiting) one.state = states.get(one.intent.chatId) ?? one.state;
    this.#waiting.unshift(...waiting);
  }
}

/** What one chat has been given in a batch so far; all of it decided on the one state. */
interface Turn {
  state: ChatState;
  rev: number;
  seq: number;
  closed: boolean;
  byKey: Map<string, Planned>;
  asides: Set<string>;
}

const openTurn = (state: ChatState): Turn => ({
  state,
  rev: state.rev,
  seq: state.lastSeq,
  closed: false,
  byKey: new Map(),
  asides: new Set(),
});

function entryAt(intent: Intent, { state, rev, seq }: Turn, isMessage: boolean): StoredEntry {
  const { chatId, type, by, key, body } = intent;
  const entry = { _id: place(chatId, rev), chatId, rev, seq, key, type, by, at: timeAfter(state.changedAt), body };
  if (isMessage) return { ...entry, seqKey: place(chatId, seq), messageId: (body as { id: string }).id } as StoredEntry;
  if (type === "message.edited") return { ...entry, editOf: (body as { messageId: string }).messageId } as StoredEntry;
  return entry as StoredEntry;
}

/** Clocks of nodes differ by less than this; one that is further ahead is wrong, and its time is not to be kept for that long. */
const maxSkew = 60_000;

/** Now, but in a chat not before what came before: search and lists go by time as well as by number. */
export function timeAfter(before: number): number {
  const now = Date.now();
  return before > now && before - now <= maxSkew ? before : now;
}

/** Whether the entry that has the key is the one that we meant to store. Keys that others cannot know are ours. */
function isOwn(found: StoredEntry, { type, body }: Pick<StoredEntry, "type" | "body">): boolean {
  if (found.type === "message.sent" && type === "message.sent") return found.body.id === (body as { id: string }).id;
  return type !== "chat.created";
}
