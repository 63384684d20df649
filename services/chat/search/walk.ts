import type { Collection } from "@confab/mixins/store/collection.ts";
import { blockOf, blockSize, openingKey, place, scopeOf, type StoredWords } from "./documents.ts";
import { follows, type Found, type Hit, type Query, type Range, type Searched } from "./index.ts";
import { openingOf } from "./words.ts";

/** Blocks that are looked up at once: at first, and at most. */
const firstLooks = 2;
const maxLooks = 256;
/** Messages that lie in blocks looked up at once, about: a word that was rare so far may be in each of them. */
const maxReached = 16_000;
/** How many times as many the next time, at most, where little was found. */
const growth = 4;
/** Messages that a look at many blocks is meant to bring. */
const wantedAtOnce = 256;
/** Blocks looked up and messages read for one search, at most. Then it ends with what it has, and says where to go on. */
const maxWork = 5000;
/** Words that are tried to find out which is the rarest. */
const maxTried = 3;

/** Where the walk through a chat is. */
interface Front {
  chat: Searched;
  /** The next block to look up; those above are done. */
  block: number;
  /** No message of that block or below is later. */
  latest: number;
}

interface Block {
  chat: Searched;
  block: number;
  scope: string;
}

/** A key that all messages have that are looked for, and what it brought so far. */
interface Driver {
  key: string;
  blocks: number;
  messages: number;
}

/**
 * One search: through all chats at once, from the latest message back, block by block, until nothing can be later than
 * what was found.
 */
export class Walk {
  readonly #words: Collection<StoredWords>;
  readonly #query: Query;
  /** One of these is looked up, the rest is looked for in what that brings. Without any, every message is looked at. */
  readonly #drivers: Driver[];
  #looks = firstLooks;
  #work = 0;
  /** In order, and one more than is wanted. */
  #hits: Hit[] = [];

  constructor(words: Collection<StoredWords>, query: Query) {
    this.#words = words;
    this.#query = query;
    const openings = query.beginnings.flatMap((beginning) => openingOf(beginning) ?? []).map(openingKey);
    this.#drivers = [...query.words, ...openings]
      .sort((a, b) => b.length - a.length)
      .slice(0, maxTried)
      .map((key) => ({ key, blocks: 0, messages: 0 }));
  }

  async find(): Promise<Found> {
    const { limit } = this.#query;
    let fronts = await this.#start();
    while (fronts.length > 0 && this.#work < maxWork) {
      fronts = await this.#advance(fronts.sort((a, b) => b.latest - a.latest));
      const last = this.#hits[limit];
      if (last) fronts = fronts.filter(({ latest }) => latest >= last.at);
    }
    // What is later than all that is left is found for sure. Where the work ended it, the rest is for the next search.
    const left = Math.max(...fronts.map(({ latest }) => latest));
    const hits = this.#hits.filter(({ at }) => at > left);
    if (hits.length > limit) return { hits: hits.slice(0, limit), next: hits[limit - 1] };
    const next = { at: left + 1, chatId: "", seq: 0 };
    // A search that comes no further goes through messages that are not in the index, and has nothing to find there.
    const further = !this.#query.since || this.#query.since.at > next.at;
    return { hits, next: fronts.length > 0 && further ? next : undefined };
  }

  /** Each chat at the last block that has something to be looked at. */
  async #start(): Promise<Front[]> {
    const { chats, before = Infinity, after = -Infinity, since } = this.#query;
    const until = Math.min(before - 1, since?.at ?? Infinity);
    const fronts = chats.flatMap((chat): Front[] => {
      const latest = Math.min(chat.latest, until);
      const last = chat.seqs.at(-1);
      return last && latest > after ? [{ chat, block: blockOf(last.to), latest }] : [];
    });
    await this.#skipLater(
      fronts.filter(({ chat, block }) => chat.latest > until && block > 0),
      until,
    );
    return fronts.flatMap((front) => stepDown(front, front.block) ?? []);
  }

  /** Sets the fronts back to the last block that begins no later than that: by halves, all chats at once. */
  async #skipLater(fronts: readonly Front[], until: number): Promise<void> {
    let searched = fronts.map((front) => ({ front, low: 0, high: front.block }));
    while ((searched = searched.filter(({ low, high }) => low < high)).length > 0) {
      const middles = searched.map(({ low, high }) => Math.ceil((low + high) / 2));
      const times = await this.#timesAt(searched.map(({ front }, at) => place(front.chat.chatId, middles[at]! * blockSize)));
      for (const [at, one] of searched.entries()) {
        // Of a place that tells nothing it may be that something before it is wanted.
        if ((times[at] ?? -Infinity) <= until) one.low = middles[at]!;
        else one.high = middles[at]! - 1;
        one.front.block = one.low;
      }
    }
  }

  /** Looks up the next blocks of the latest fronts, and answers all fronts as they are after that. */
  async #advance(fronts: readonly Front[]): Promise<Front[]> {
    const chosen = fronts.slice(0, this.#looks);
    const each = Math.floor(this.#looks / chosen.length);
    const blocks: Block[] = [];
    let reached = 0;
    const stayed = chosen.flatMap((front) => {
      let at: Front | undefined = front;
      for (let count = 0; at && count < each && reached < maxReached; count++) {
        const { chat, block } = at;
        reached += Math.min(blockSize, chat.seqs.at(-1)!.to - block * blockSize + 1);
        blocks.push({ chat, block, scope: scopeOf(chat.chatId, block) });
        at = stepDown(at, block - 1);
      }
      return at ?? [];
    });
    const [, times] = await Promise.all([
      this.#look(blocks),
      this.#timesAt(stayed.map(({ chat, block }) => place(chat.chatId, (block + 1) * blockSize - 1))),
    ]);
    const moved = stayed.map((front, at) => ({ ...front, latest: Math.min(front.latest, times[at] ?? Infinity) }));
    const { after = -Infinity } = this.#query;
    return [...moved.filter(({ latest }) => latest > after), ...fronts.slice(chosen.length)];
  }

  async #look(blocks: readonly Block[]): Promise<void> {
    const driver = this.#drivers.find((one) => one.blocks === 0) ?? rarest(this.#drivers);
    const found = driver ? await this.#withKey(blocks, driver.key) : await this.#all(blocks);
    this.#work += blocks.length + found.length;
    if (driver) {
      driver.blocks += blocks.length;
      driver.messages += found.length;
    }
    const perBlock = driver ? driver.messages / driver.blocks : blockSize;
    const fitting = perBlock === 0 ? maxLooks : Math.max(1, Math.floor(wantedAtOnce / perBlock));
    this.#looks = Math.min(fitting, this.#looks * growth, maxLooks);

    const byPlace = new Map(blocks.map((one) => [place(one.chat.chatId, one.block), one]));
    const hits = found.flatMap((message) => this.#hitOf(message, byPlace) ?? []);
    this.#hits = [...this.#hits, ...hits].sort((a, b) => (follows(a, b) ? 1 : -1)).slice(0, this.#query.limit + 1);
  }

  #withKey(blocks: readonly Block[], key: string): Promise<StoredWords[]> {
    return this.#words.find({ keys: { $in: blocks.map(({ scope }) => scope + key) } });
  }

  async #all(blocks: readonly Block[]): Promise<StoredWords[]> {
    const found = await Promise.all(
      blocks.map(({ chat: { chatId }, block }) =>
        this.#words.find({ _id: { $gte: place(chatId, block * blockSize), $lt: place(chatId, (block + 1) * blockSize) } }),
      ),
    );
    return found.flat();
  }

  async #timesAt(ids: readonly string[]): Promise<(number | undefined)[]> {
    if (ids.length === 0) return [];
    const found = await this.#words.find({ _id: { $in: ids } });
    const times = new Map(found.map(({ _id, at }) => [_id, at]));
    return ids.map((id) => times.get(id));
  }

  #hitOf({ chatId, seq, by, at, keys }: StoredWords, blocks: ReadonlyMap<string, Block>): Hit | undefined {
    if (at === undefined || keys.length === 0) return;
    const block = blocks.get(place(chatId, blockOf(seq)));
    if (!block) return;
    if (!block.chat.seqs.some(({ from, to }) => from <= seq && seq <= to)) return;
    const { before = Infinity, after = -Infinity, since } = this.#query;
    if (at >= before || at <= after || (this.#query.by !== undefined && by !== this.#query.by)) return;
    const hit = { chatId, seq, at };
    if (since && !follows(hit, since)) return;
    return this.#hasAll(keys, block.scope) ? hit : undefined;
  }

  #hasAll(keys: readonly string[], scope: string): boolean {
    const { words, beginnings } = this.#query;
    return (
      words.every((word) => keys.includes(scope + word)) &&
      beginnings.every((beginning) => {
        // Where the opening is the whole of it, its key says that a word begins so.
        if (openingOf(beginning) === beginning) return keys.includes(scope + openingKey(beginning));
        return keys.some((key) => key.startsWith(scope + beginning));
      })
    );
  }
}

/** The front at the next block from this one down of which something may be seen, if there is one. */
function stepDown(front: Front, from: number): Front | undefined {
  const range: Range | undefined = front.chat.seqs.findLast((one) => blockOf(one.from) <= from);
  return range && { ...front, block: Math.min(from, blockOf(range.to)) };
}

const rarest = (drivers: readonly Driver[]): Driver | undefined =>
  drivers.toSorted((a, b) => a.messages / a.blocks - b.messages / b.blocks)[0];
