import { LRUCache } from "lru-cache";
import type { ChatStore } from "./store/chat.store.ts";

type Store = Pick<ChatStore, "chatsPerhapsOf" | "membershipsOf">;

/** Ids of chats that are cached, of all users together: about 100 bytes each. */
const capacity = 200_000;
/** What a list counts for beside its ids. */
const ownWeight = 5;

/**
 * The chats that users may be in, cached. Memberships are only ever added as long as there is an account, so a list is complete if
 * the store counts as many: 500 keys of an index instead of 500 documents.
 */
export class Memberships {
  readonly #store: Store;
  readonly #lists: LRUCache<string, readonly string[]>;

  constructor(store: Store, max = capacity) {
    this.#store = store;
    this.#lists = new LRUCache({ maxSize: max, sizeCalculation: (list) => ownWeight + list.length });
  }

  /**
   * What `read` finds for the chats that a user may be in. With a cached list it begins while they are counted, and is repeated with the
   * right list if that one is out of date, so it may not change anything.
   */
  async read<T>(userId: string, read: (chatIds: readonly string[]) => Promise<T>): Promise<T> {
    const list = this.#lists.get(userId);
    if (list) {
      const [count, found] = await Promise.all([this.#store.membershipsOf(userId, list.length + 1), read(list)]);
      if (count === list.length) return found;
    }
    const chatIds = await this.#store.chatsPerhapsOf(userId);
    this.#lists.set(userId, chatIds);
    return read(chatIds);
  }
}
