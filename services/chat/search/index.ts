/* The port between the search for messages and what finds them. Another engine fills it in place of the store's own index. */

/** What a message says now. */
export interface Said {
  chatId: string;
  seq: number;
  /** The place of its last change: an older form never takes the place of a newer one. */
  rev: number;
  by: string;
  /** Milliseconds since 1970. Within a chat it does not go back as `seq` goes on. */
  at: number;
  text: string;
}

export interface Range {
  from: number;
  to: number;
}

/** A chat to search, and what of it. */
export interface Searched {
  chatId: string;
  /** Ranges of seqs, ascending, none empty. */
  seqs: readonly Range[];
  /** No message of it is later. */
  latest: number;
}

/** A message by its time. All hits are in one order: the latest first, then by chat and seq, both descending. */
export interface Hit {
  chatId: string;
  seq: number;
  at: number;
}

export interface Query {
  chats: readonly Searched[];
  /** Every one of these, and a word that begins with each of the beginnings; at least one of either. As `readWanted` makes them. */
  words: readonly string[];
  beginnings: readonly string[];
  by?: string;
  /** Exclusive. */
  before?: number;
  after?: number;
  limit: number;
  /** Only what follows this place in the order. */
  since?: Hit;
}

export interface Found {
  hits: Hit[];
  /** Where to go on. There may be some although there are fewer hits than were asked for: a search ends after so much work. */
  next?: Hit;
}

/**
 * A projection of the log: it may be thrown away and filled again, and what it finds is looked at before it is shown.
 * What it must not do is keep the words of what was removed, or find them.
 */
export interface SearchIndex {
  put(messages: readonly Said[]): Promise<void>;
  remove(messages: readonly { chatId: string; seq: number; rev: number }[]): Promise<void>;
  /** For good: what is put later of this chat is not kept. */
  removeChat(chatId: string): Promise<void>;
  /** Removes what there is of this chat, which is put again from the log. */
  reset(chatId: string): Promise<void>;
  find(query: Query): Promise<Found>;
  /** Leaves no word in the files that was removed before. */
  scrub(): Promise<void>;
  close(): Promise<void>;
}

/** Whether `a` comes after `b` in the order of hits. */
export const follows = (a: Hit, b: Hit): boolean =>
  a.at !== b.at ? a.at < b.at : a.chatId !== b.chatId ? a.chatId < b.chatId : a.seq < b.seq;
