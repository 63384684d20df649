import type { Entry, Receipt, Result, SocketPayload } from "@confab/contracts";
import { createStore, type Observable } from "./store.ts";

interface Options {
  read(chatId: string): Promise<Result<"chat.receipt.list">>;
}

type OfChat = ReadonlyMap<string, Receipt>;

/** The chats whose receipts are read again after the connection was lost: the latest that were asked for. */
const maxRenewed = 10;

/** How far the others have come, in the chats where somebody asked for that. */
export class Receipts {
  readonly #options: Options;
  readonly #state = createStore<ReadonlyMap<string, OfChat>>(new Map());
  /** The latest last. */
  readonly #asked = new Set<string>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** By chat and user id. */
  get state(): Observable<ReadonlyMap<string, OfChat>> {
    return this.#state;
  }

  async load(chatId: string): Promise<void> {
    this.#asked.delete(chatId);
    this.#asked.add(chatId);
    const before = this.#state.get().get(chatId);
    const { items } = await this.#options.read(chatId);
    if (!this.#asked.has(chatId)) return;
    const now = this.#state.get().get(chatId) ?? new Map<string, Receipt>();
    // Whoever is not in the answer has left, unless something was told of them meanwhile.
    const told = [...now].filter(([userId, receipt]) => before?.get(userId) !== receipt);
    this.#put(chatId, new Map([...items.map((one) => [one.userId, forward(now.get(one.userId), one)] as const), ...told]));
  }

  hear({ chatId, receipt }: SocketPayload<"receipt">): void {
    if (!this.#asked.has(chatId)) return;
    const known = this.#state.get().get(chatId);
    this.#put(chatId, new Map(known).set(receipt.userId, forward(known?.get(receipt.userId), receipt)));
  }

  /** Sending moves one's own pointers to that message; whoever has left has none. */
  apply(entries: readonly Entry[]): void {
    for (const { chatId, type, by, data } of entries) {
      const known = this.#state.get().get(chatId);
      if (!known) continue;
      if (type === "member.removed") this.#put(chatId, new Map([...known].filter(([userId]) => userId !== data.userId)));
      const receipt = known.get(by);
      if (type !== "message.sent" || !receipt) continue;
      const { seq } = data.message;
      const readSeq = receipt.readSeq === null ? null : seq;
      this.#put(chatId, new Map(known).set(by, forward(receipt, { userId: by, readSeq, deliveredSeq: seq })));
    }
  }

  /** What was told while nobody listened is read again; of all but the latest chats nothing old is shown. */
  renew(): void {
    const asked = [...this.#asked];
    for (const chatId of asked.slice(0, -maxRenewed)) this.#forget(chatId);
    for (const chatId of asked.slice(-maxRenewed)) void this.load(chatId).catch(() => {});
  }

  /** Only what is of these chats stays. */
  keep(has: (chatId: string) => boolean): void {
    for (const chatId of this.#asked) if (!has(chatId)) this.#forget(chatId);
  }

  clear(): void {
    this.#asked.clear();
    this.#state.set(new Map());
  }

  #forget(chatId: string): void {
    this.#asked.delete(chatId);
    if (!this.#state.get().has(chatId)) return;
    const next = new Map(this.#state.get());
    next.delete(chatId);
    this.#state.set(next);
  }

  #put(chatId: string, receipts: OfChat): void {
    this.#state.set(new Map(this.#state.get()).set(chatId, receipts));
  }
}

/** The later word on whether somebody tells how far they have read holds; the pointers themselves only go forward. */
function forward(known: Receipt | undefined, told: Receipt): Receipt {
  if (!known) return told;
  return {
    userId: told.userId,
    readSeq: told.readSeq === null ? null : Math.max(told.readSeq, known.readSeq ?? 0),
    deliveredSeq: Math.max(told.deliveredSeq, known.deliveredSeq),
  };
}
