import type { Chat, Entry, Message, SocketPayload, UserEntry } from "@confab/contracts";
import { applyOwn, noAccount, type Account } from "./account.ts";
import type { ChatLog } from "./api.ts";
import { jitter } from "./platform.ts";
import { pauseAfter } from "./problem.ts";
import { applyEntry, applyNote, applyPart, learnChat, learnMessage, type Logs, type SyncPage } from "./state.ts";
import type { Store } from "./store.ts";

interface Options {
  logs: Store<Logs>;
  account: Store<Account>;
  /** Asks for what changed since these revs. */
  pull(known: { epoch?: string; userRev?: number; chats: Record<string, number> }): Promise<SyncPage>;
  /** The user who is signed in. */
  myId(): string;
  /** Hears of one's own new name or picture. */
  renamed?(profile: Extract<UserEntry, { type: "profile.changed" }>["data"]): void;
  /** Hears of the entries that were applied one by one. */
  applied?(entries: readonly Entry[]): void;
  /** Milliseconds after which an entry that was announced by an answer should have come by itself. */
  patience?(): number;
  /** Waits before asking again. */
  pause?: (ms: number) => Promise<void>;
}

/** After so many answers that bring nothing on, the server is asked no more until something new comes. */
const maxAttempts = 6;

/** What was applied to a chat since a request began, so that its answer can be brought up to that. */
export interface Watch {
  readonly entries: readonly Entry[];
  /** The chat was forgotten or replaced: nobody knows what happened between. */
  readonly broken: boolean;
  stop(): void;
}

/**
 * Keeps the chats and the account equal to the logs (G4). Entries are applied strictly by rev; a gap leads to a sync
 * from the revs that are known. One sync is in flight at a time, and what does not fit yet is kept and tried after it.
 */
export class CatchUp {
  readonly #options: Options;
  readonly #watches = new Map<string, Set<{ entries: Entry[]; broken: boolean }>>();
  /** Chats that one has left, with the rev at which: what comes late of before is no reason to ask for them. */
  readonly #left = new Map<string, number>();
  /** Whether one is in a chat, as the own log says and the state does not yet. */
  readonly #doubts = new Map<string, boolean>();
  /** Up to where answers have said that logs are. */
  readonly #expected = new Map<string, number>();
  #expecting: ReturnType<typeof setTimeout> | undefined;
  #epoch: string | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  /** Counts sign-outs, so that an answer to the one before is dropped. */
  #life = 0;
  #kept: Entry[] = [];
  #keptOwn: UserEntry[] = [];

  constructor(options: Options) {
    this.#options = options;
  }

  /** Entries as they come over the socket. */
  receive(entries: readonly Entry[]): void {
    const left = this.#apply(entries);
    if (left.length === 0) return;
    this.#kept.push(...left);
    // A sync that is under way tries them after it, and goes on where they do not fit then.
    if (!this.#running) this.#ask();
  }

  /** Entries of one's own log as they come over the socket. */
  receiveOwn(entries: readonly UserEntry[]): void {
    this.#keptOwn.push(...entries);
    // An answer that is under way may be of an earlier moment, and would undo what these say of a chat.
    if (this.#running) return;
    this.#applyKeptOwn();
    if (this.#keptOwn.length > 0 || this.#isDoubtful()) this.#ask();
  }

  /** How far the server says that the logs are: silence, too, shows what was lost. */
  receiveHeads({ userRev, chats }: SocketPayload<"heads">): void {
    const isBehind = Object.entries(chats).some(([chatId, rev]) => this.#revOf(chatId) < rev);
    if (isBehind || userRev > this.#options.account.get().userRev) this.#ask();
  }

  /**
   * Takes in a chat that an answer brought; one that is not known yet is fetched. `since` is the userRev when it was
   * asked for: after a later entry of the own log it may be old in what that tells.
   */
  learnChat(chat: Chat, since: number): void {
    const isFresh = since === this.#options.account.get().userRev;
    this.change(chat.id, (log) => learnChat(log, chat, isFresh, this.#options.myId()));
    this.expect(chat.id, chat.rev);
  }

  /** Takes in a message that an answer brought. */
  learnMessage(message: Message): void {
    this.change(message.chatId, (log) => learnMessage(log, message, this.#options.myId()));
    this.expect(message.chatId, message.rev);
  }

  /** Changes what is known of a chat, where anything is. */
  change(chatId: string, how: (log: ChatLog) => ChatLog): void {
    const log = this.#options.logs.get().get(chatId);
    const next = log && how(log);
    if (next && next !== log) this.#options.logs.set(new Map(this.#options.logs.get()).set(chatId, next));
  }

  /** The log of a chat is known to go up to there: where nobody tells of it in time, it is asked for. */
  expect(chatId: string, rev: number): void {
    // Whoever has asked for nothing yet does not follow the logs.
    if (this.#epoch === undefined || this.#revOf(chatId) >= rev) return;
    this.#expected.set(chatId, Math.max(rev, this.#expected.get(chatId) ?? 0));
    this.#expecting ??= setTimeout(() => {
      const isBehind = [...this.#expected].some(([id, end]) => this.#revOf(id) < end);
      this.#expected.clear();
      this.#expecting = undefined;
      if (isBehind) this.#ask();
    }, this.#options.patience?.() ?? 0);
  }

  /** Notes what is applied to a chat from now on. */
  watch(chatId: string): Watch {
    const watch = { entries: [] as Entry[], broken: false };
    const watches = this.#watches.get(chatId) ?? new Set();
    this.#watches.set(chatId, watches.add(watch));
    const stop = () => {
      watches.delete(watch);
      if (watches.size === 0 && this.#watches.get(chatId) === watches) this.#watches.delete(chatId);
    };
    return Object.assign(watch, { stop });
  }

  /** Asks for everything that changed. Several at once are one; one asked for while it runs goes once more after it. */
  sync(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return this.#running;
    }
    const running = this.#run().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }

  /** The store that the server now speaks of; another one than before means that all is new. */
  meet(epoch: string): void {
    if (this.#epoch !== undefined && this.#epoch !== epoch) this.forget();
    this.#epoch = epoch;
  }

  /** Forgets everything. */
  forget(): void {
    this.#life++;
    this.#epoch = this.#running = undefined;
    this.#again = false;
    clearTimeout(this.#expecting);
    this.#expecting = undefined;
    this.#expected.clear();
    this.#clear();
  }

  /** Forgets what the logs say. */
  #clear(): void {
    this.#kept = [];
    this.#keptOwn = [];
    this.#left.clear();
    this.#doubts.clear();
    for (const chatId of this.#watches.keys()) this.#break(chatId);
    this.#options.logs.set(new Map());
    this.#options.account.set(noAccount);
  }

  #ask(): void {
    void this.sync().catch(() => {});
  }

  async #run(): Promise<void> {
    const life = this.#life;
    let lookedAgain = false;
    for (let attempt = 0; attempt < maxAttempts;) {
      this.#again = false;
      const before = [this.#options.logs.get(), this.#options.account.get()];
      const asked = Object.fromEntries([...this.#options.logs.get()].map(([chatId, { rev }]) => [chatId, rev]));
      const page = await this.#pull({ epoch: this.#epoch, userRev: this.#options.account.get().userRev, chats: asked }, life);
      if (life !== this.#life) return;
      if (this.#epoch !== undefined && page.epoch !== this.#epoch) this.#clear();
      this.#epoch = page.epoch;
      // Chats first: what the own log says of them is at least as late as what came with them, or comes again.
      const fits = this.#merge(page, asked);
      this.#takeOwn(page);
      this.#applyKept();
      const moved = before[0] !== this.#options.logs.get() || before[1] !== this.#options.account.get();
      if (page.more && fits && moved) {
        attempt = 0;
        continue;
      }
      const isWhole = !page.more && fits && this.#kept.length === 0 && this.#keptOwn.length === 0;
      if (!isWhole) await this.#pause(jitter(attempt++));
      else if (this.#isDoubtful() && !lookedAgain) lookedAgain = true;
      else if (this.#again) attempt = 0;
      else return this.#doubts.clear();
      if (life !== this.#life) return;
    }
    // A server that announces what it does not have: what is kept of it waits for nothing.
    this.#kept = [];
    this.#keptOwn = [];
    this.#doubts.clear();
  }

  /** A busy or unreachable server is asked again; the connection, too, syncs when it is back. */
  async #pull(known: Parameters<Options["pull"]>[0], life: number): Promise<SyncPage> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#options.pull(known);
      } catch (err) {
        const pause = pauseAfter(err, attempt);
        if (pause === undefined || attempt >= maxAttempts || life !== this.#life) throw err;
        await this.#pause(pause);
        if (life !== this.#life) throw err;
      }
    }
  }

  /** Whether everything fitted; what did not is forgotten, so that the next answer brings it whole. */
  #merge(page: SyncPage, asked: Readonly<Record<string, number>>): boolean {
    const next = new Map(this.#options.logs.get());
    const applied: Entry[] = [];
    let fits = true;
    for (const part of page.chats) {
      const { chatId } = part;
      const known = next.get(chatId);
      // One has left meanwhile.
      if (!known && (part.chat?.rev ?? part.rev) <= (this.#left.get(chatId) ?? -1)) continue;
      const state = applyPart(known, part, asked[chatId], this.#options.myId());
      if (state === known) continue;
      const news = known && !part.reset ? part.entries.filter(({ rev }) => rev > known.rev) : [];
      if (typeof state === "string") {
        next.delete(chatId);
        if (state === "gap") fits = false;
        else this.#left.set(chatId, Math.max(part.rev, part.entries.at(-1)?.rev ?? 0));
      } else next.set(chatId, state);
      if (typeof state === "string" || !known || part.reset) this.#break(chatId);
      else this.#note(chatId, news);
      applied.push(...news);
    }
    if (page.chats.length > 0) this.#options.logs.set(next);
    if (applied.length > 0) this.#options.applied?.(applied);
    return fits;
  }

  /** Own entries of an answer: between them some may be missing, since only the last of each subject is kept. */
  #takeOwn(page: SyncPage): void {
    for (const entry of page.user) if (entry.userRev > this.#options.account.get().userRev) this.#applyOwn(entry);
    const account = this.#options.account.get();
    if (page.userRev > account.userRev) this.#options.account.set({ ...account, userRev: page.userRev });
  }

  #applyKept(): void {
    this.#kept = this.#apply(this.#kept);
    this.#applyKeptOwn();
  }

  /** Applies what fits, by rev, and answers what does not yet. */
  #apply(entries: readonly Entry[]): Entry[] {
    if (entries.length === 0) return [];
    const logs = new Map(this.#options.logs.get());
    const applied: Entry[] = [];
    const left: Entry[] = [];
    for (const entry of entries.toSorted((a, b) => a.rev - b.rev)) {
      const { chatId, rev } = entry;
      const known = logs.get(chatId);
      if (!known && rev <= (this.#left.get(chatId) ?? -1)) continue;
      const next = known ? applyEntry(known, entry, this.#options.myId()) : "gap";
      if (next === "gap") left.push(entry);
      else if (next !== known) {
        applied.push(entry);
        if (next !== "gone") {
          logs.set(chatId, next);
          this.#note(chatId, [entry]);
          continue;
        }
        logs.delete(chatId);
        this.#left.set(chatId, rev);
        this.#break(chatId);
      }
    }
    if (applied.length > 0) {
      this.#options.logs.set(logs);
      this.#options.applied?.(applied);
    }
    return left;
  }

  /** Live, the own log has no holes: where one shows, the rest waits for a sync. */
  #applyKeptOwn(): void {
    const waiting: UserEntry[] = [];
    for (const entry of this.#keptOwn.toSorted((a, b) => a.userRev - b.userRev)) {
      const { userRev } = this.#options.account.get();
      if (entry.userRev <= userRev) continue;
      if (entry.userRev === userRev + 1) this.#applyOwn(entry);
      else waiting.push(entry);
    }
    this.#keptOwn = waiting;
  }

  #applyOwn(entry: UserEntry): void {
    this.#options.account.set(applyOwn(this.#options.account.get(), entry));
    if (entry.type === "profile.changed") this.#options.renamed?.(entry.data);
    if (entry.type !== "chat.noted") return;
    const { chatId, member } = entry.data;
    if (member) this.change(chatId, (log) => applyNote(log, entry.data, this.#options.myId()));
    if (member !== this.#options.logs.get().has(chatId)) this.#doubts.set(chatId, member);
    else this.#doubts.delete(chatId);
  }

  #isDoubtful(): boolean {
    return [...this.#doubts].some(([chatId, member]) => member !== this.#options.logs.get().has(chatId));
  }

  #revOf(chatId: string): number {
    return this.#options.logs.get().get(chatId)?.rev ?? this.#left.get(chatId) ?? 0;
  }

  #note(chatId: string, entries: readonly Entry[]): void {
    for (const watch of this.#watches.get(chatId) ?? []) watch.entries.push(...entries);
  }

  #break(chatId: string): void {
    for (const watch of this.#watches.get(chatId) ?? []) watch.broken = true;
  }

  #pause(ms: number): Promise<void> {
    return this.#options.pause?.(ms) ?? new Promise((resolve) => setTimeout(resolve, ms));
  }
}
