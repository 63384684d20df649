/* One search in the full-text index. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { follows, type Found, type Hit, type Query, type Searched } from "../index.ts";
import type { Bounds, TimeBounds } from "./bounds.ts";
import { chatMask, chatToken, firstRowOf, orderOf, prefixOf, senderToken, type Sizes } from "./layout.ts";
import type { Names } from "./names.ts";
import { hasToken, tokenOf, tokenOfBeginning, type WantedToken } from "./tokens.ts";

export interface FinderLimits {
  /** Messages that are compared one by one where no more can be seen, which costs less than a look into each era. */
  scan: number;
  /** Milliseconds of CPU after which a search ends with what it has. */
  cpuMs: number;
}
export const defaultLimits: FinderLimits = { scan: 3000, cpuMs: 12 };

/** Up to so many chats are part of what FTS5 looks for. With more of them, it is cheaper to filter what it finds. */
const maxChatTokens = 4;
/** Up to so many chats it is looked up how late the last message is that can be seen. */
const maxNarrowed = 16;
/** Rows between two looks at the clock. */
const rowsAtOnce = 512;

/** An era that takes less is searched together with others, up to so many. */
const quickMs = 0.5;
const maxGroup = 16;

type Era = [number, Bounds];
interface Block {
  block: number;
  /** The latest time in the era up to the end of this block. */
  latest: number;
}
type Row = [id: number, chat: number, seq: number, at: number];
type ScannedRow = [seq: number, sender: number | null, at: number | null, words: string | null];

/** The statements of all searches. */
export class Finder {
  readonly names: Names;
  readonly bounds: TimeBounds;
  readonly limits: FinderLimits;
  readonly sizes: Sizes;
  /** Of all chats; of those in the temporary table. */
  readonly matches: StatementSync;
  readonly matchesOfChats: StatementSync;
  readonly setChats: (numbers: readonly number[]) => void;
  readonly range: StatementSync;
  readonly timeAt: StatementSync;

  constructor(db: DatabaseSync, names: Names, bounds: TimeBounds, sizes: Sizes, limits: FinderLimits) {
    this.names = names;
    this.bounds = bounds;
    this.sizes = sizes;
    this.limits = limits;
    db.exec("create temp table if not exists searched (chat integer primary key)");
    const clear = db.prepare("delete from searched");
    const fill = db.prepare("insert or ignore into searched select value from json_each(?)");
    this.setChats = (numbers) => {
      clear.run();
      fill.run(JSON.stringify(numbers));
    };
    // `cross join` keeps the order of the tables, and with it the order of the rows.
    const matches = (condition: string) =>
      db.prepare(`
        select m.id, m.chat, m.seq, m.at from fts cross join messages m on m.id = fts.rowid
        where fts match ? and fts.rowid between ? and ? ${condition} order by fts.rowid desc
      `);
    this.matches = matches("");
    this.matchesOfChats = matches(`and (fts.rowid & ${chatMask}) in (select chat from searched)`);
    this.range = db.prepare(
      "select seq, sender, at, words from messages where chat = ? and seq between ? and ? order by seq desc",
    );
    this.timeAt = db.prepare("select at from messages where chat = ? and seq <= ? and at is not null order by seq desc limit 1");
    for (const statement of [this.matches, this.matchesOfChats, this.range]) statement.setReturnArrays(true);
  }

  find(query: Query): Found {
    return new Search(this, query).find();
  }
}

class Search {
  readonly #finder: Finder;
  readonly #query: Query;
  readonly #chats = new Map<number, Searched>();
  readonly #wanted: WantedToken[];
  /** Inclusive, of the times that can be hits. */
  #latest: number;
  readonly #earliest: number;
  /** In order, and one more than is wanted. */
  readonly #hits: Hit[] = [];
  readonly #startedAt = cpuMs();

  constructor(finder: Finder, query: Query) {
    this.#finder = finder;
    this.#query = query;
    for (const chat of query.chats) {
      const name = finder.names.findChat(chat.chatId);
      if (name && !name.removed && chat.seqs.length > 0) this.#chats.set(name.number, chat);
    }
    this.#wanted = [
      ...query.words.map((word) => ({ token: tokenOf(word), isPrefix: false })),
      ...query.beginnings.map(tokenOfBeginning),
    ];
    const latest = Math.max(...[...this.#chats.values()].map((chat) => chat.latest));
    this.#latest = Math.min((query.before ?? Infinity) - 1, query.since?.at ?? Infinity, latest);
    this.#earliest = (query.after ?? -Infinity) + 1;
  }

  find(): Found {
    const { by, limit } = this.#query;
    const sender = by === undefined ? undefined : this.#finder.names.findPerson(by);
    if (this.#chats.size === 0 || (by !== undefined && sender === undefined)) return { hits: [] };
    const visible = [...this.#chats.values()].flatMap(({ seqs }) => seqs).reduce((sum, { from, to }) => sum + to - from + 1, 0);
    const left = visible <= this.#finder.limits.scan ? this.#scan(sender) : this.#searchEras(sender);
    // What is later than everything that is left is certain. The rest is for the next search.
    const certain = this.#hits.filter(({ at }) => at > left);
    if (certain.length > limit) return { hits: certain.slice(0, limit), next: certain[limit - 1] };
    return left === -Infinity ? { hits: certain } : { hits: certain, next: before(left) };
  }

  /** Compares all messages that can be seen. Answers the latest time that is left, which is none. */
  #scan(sender: number | undefined): number {
    for (const [number, { chatId, seqs }] of this.#chats)
      for (const { from, to } of seqs)
        for (const row of this.#finder.range.iterate(number, from, to)) {
          const [seq, by, at, words] = row as unknown as ScannedRow;
          if (!words || at === null || at > this.#latest) continue;
          if (at < this.#earliest) break;
          if (sender !== undefined && by !== sender) continue;
          if (this.#wanted.every((one) => hasToken(words, one))) this.#add({ chatId, seq, at });
        }
    return -Infinity;
  }

  /** Looks into the eras, the latest first. Answers the latest time that is left. */
  #searchEras(sender: number | undefined): number {
    this.#narrow();
    if (!this.#hasChatTokens()) this.#finder.setChats([...this.#chats.keys()].map((number) => number & chatMask));
    const eras = this.#finder.bounds
      .eras()
      .filter(([, { minAt, maxAt }]) => minAt <= this.#latest && maxAt >= this.#earliest)
      .sort(([, a], [, b]) => b.maxAt - a.maxAt);
    let size = 1;
    for (let at = 0; at < eras.length;) {
      const group = eras.slice(at, at + size);
      if (!this.#mayHit(group[0]![1].maxAt)) return -Infinity;
      at += size;
      const began = performance.now();
      const left = this.#searchGroup(group, sender, eras[at]?.[1].maxAt ?? -Infinity);
      if (this.#mayEnd(left)) return left;
      // Where little is found, most of the time goes into the statement itself.
      size = performance.now() - began < quickMs ? Math.min(2 * size, maxGroup) : 1;
    }
    return -Infinity;
  }

  /** Looks into some eras by one statement. `rest` is the latest time in the eras after these. Answers the latest time that is left. */
  #searchGroup(group: readonly Era[], sender: number | undefined, rest: number): number {
    const rows = this.#rowsOf(group);
    if (!rows) return rest;
    const { bounds } = this.#finder;
    const matches = this.#hasChatTokens() ? this.#finder.matches : this.#finder.matchesOfChats;
    const expression = group.map(([era]) => `(${this.#expression(era, sender)})`).join(" OR ");
    let count = 0;
    let era = -1;
    let blocks: Block[] = [];
    let lower = -Infinity;
    for (const row of matches.iterate(expression, ...rows)) {
      const [id, chat, seq, at] = row as unknown as Row;
      const order = orderOf(id);
      if (bounds.eraOf(order) !== era) {
        era = bounds.eraOf(order);
        blocks = this.#blocksOf(era);
        lower = Math.max(...group.filter(([other]) => other < era).map(([, { maxAt }]) => maxAt));
      }
      // The latest time from this row on.
      const block = Math.min(bounds.blockOf(order), blocks.at(-1)?.block ?? 0);
      const latest = Math.max(blocks[block - (blocks[0]?.block ?? 0)]?.latest ?? -Infinity, lower);
      if (!this.#mayHit(latest)) break;
      const left = Math.max(latest, rest);
      if (++count % rowsAtOnce === 0 && this.#mayEnd(left)) return left;
      this.#take(chat, seq, at);
    }
    return rest;
  }

  /** The first row and the last that can be hits. */
  #rowsOf(group: readonly Era[]): [bigint, bigint] | undefined {
    const { era: perEra, block: perBlock } = this.#finder.sizes;
    const [[era, { minAt, maxAt }]] = group as [Era];
    const isPart = group.length === 1 && (minAt < this.#earliest || maxAt > this.#latest);
    const blocks = isPart ? this.#blocksOf(era) : undefined;
    if (blocks?.length === 0) return undefined;
    const numbers = group.map(([number]) => number);
    const from = blocks ? blocks[0]!.block * perBlock : Math.min(...numbers) * perEra;
    const to = blocks ? (blocks.at(-1)!.block + 1) * perBlock : (Math.max(...numbers) + 1) * perEra;
    return [BigInt(firstRowOf(from)), BigInt(firstRowOf(to) - 1)];
  }

  /** The blocks of the era that are asked for, ascending and without a gap, each with the latest time up to its end. */
  #blocksOf(era: number): Block[] {
    const blocks = this.#finder.bounds.blocksOf(era);
    const isWanted = ({ minAt, maxAt }: { minAt: number; maxAt: number }) => minAt <= this.#latest && maxAt >= this.#earliest;
    const [first, last] = [blocks.findIndex(isWanted), blocks.findLastIndex(isWanted)];
    if (first < 0) return [];
    const wanted: Block[] = [];
    let latest = -Infinity;
    for (const { block, maxAt } of blocks.slice(first, last + 1)) {
      latest = Math.max(latest, maxAt);
      // Messages that were removed before they came have no time, and a block of only such ones has no bounds.
      for (let gap = (wanted.at(-1)?.block ?? block - 1) + 1; gap < block; gap++) wanted.push({ block: gap, latest });
      wanted.push({ block, latest });
    }
    return wanted;
  }

  #expression(era: number, sender: number | undefined): string {
    const prefix = prefixOf(era);
    const terms = this.#wanted.map(({ token, isPrefix }) => `"${prefix}${token}"${isPrefix ? " *" : ""}`);
    if (sender !== undefined) terms.push(`"${prefix}${senderToken(sender)}"`);
    if (this.#hasChatTokens())
      terms.push(`(${[...this.#chats.keys()].map((chat) => `"${prefix}${chatToken(chat)}"`).join(" OR ")})`);
    return terms.join(" AND ");
  }

  #hasChatTokens(): boolean {
    return this.#chats.size <= maxChatTokens;
  }

  /** Of a member who left long ago, everything later is passed over. */
  #narrow(): void {
    if (this.#chats.size > maxNarrowed) return;
    const times = [...this.#chats].map(([number, { seqs }]) => {
      const found = this.#finder.timeAt.get(number, seqs.at(-1)!.to) as { at: number } | undefined;
      return found?.at ?? -Infinity;
    });
    this.#latest = Math.min(this.#latest, Math.max(...times));
  }

  #take(chat: number, seq: number, at: number): void {
    // Numbers of chats that share their low bits are told apart here.
    const searched = this.#chats.get(chat);
    if (!searched || at > this.#latest || at < this.#earliest) return;
    if (searched.seqs.some(({ from, to }) => from <= seq && seq <= to)) this.#add({ chatId: searched.chatId, seq, at });
  }

  #add(hit: Hit): void {
    const { since, limit } = this.#query;
    if (since && !follows(hit, since)) return;
    let [low, high] = [0, this.#hits.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (follows(this.#hits[middle]!, hit)) high = middle;
      else low = middle + 1;
    }
    this.#hits.splice(low, 0, hit);
    if (this.#hits.length > limit + 1) this.#hits.pop();
  }

  /** Whether a message of this time can still be among the hits. */
  #mayHit(at: number): boolean {
    const last = this.#hits[this.#query.limit];
    return !last || at >= last.at;
  }

  /** Whether the search has worked long enough, and the next one would come further than this one began. */
  #mayEnd(left: number): boolean {
    if (left === -Infinity || cpuMs() - this.#startedAt < this.#finder.limits.cpuMs) return false;
    return before(left).at < Math.min(this.#query.since?.at ?? Infinity, this.#latest + 1);
  }
}

/** Stands before everything of this time. */
const before = (at: number): Hit => ({ at: at + 1, chatId: "", seq: 0 });

const cpuMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};
