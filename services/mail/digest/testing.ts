/* Chats as simple as can be, a clock that a test moves, and nodes of mail that die between any two of their steps. */
import type { Params, Preferences } from "@confab/contracts";
import { openTestStore } from "@confab/mixins/store/testing.ts";
import { v7 as uuid } from "uuid";
import type { Job } from "../job.ts";
import { DigestStore } from "../store/digest.store.ts";
import { MailStore } from "../store/mail.store.ts";
import { Scanner } from "./scanner.ts";
import { Teller, type Recipient } from "./teller.ts";
import type { Unread, UnreadChat } from "./when.ts";

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;

export type UnreadJob = Extract<Job, { template: "digest" }>;

interface Said {
  id: string;
  seq: number;
  by: string;
  at: number;
  mentions: readonly string[];
}

const preferences: Preferences = {
  ...{ readReceipts: true, presence: true, findable: true, notifications: true },
  ...{ digest: "hourly", quietHours: null, timeZone: null, language: null },
};

/** What chat, io and user know. */
export class Town {
  now = Date.parse("2026-03-10T12:00:00Z");
  readonly chats = new Map<string, { isDirect: boolean; members: string[]; said: Said[] }>();
  readonly read = new Map<string, number>();
  readonly wishes = new Map<string, Partial<Preferences>>();
  readonly online = new Set<string>();
  readonly gone = new Set<string>();
  /** What was asked, by name. */
  readonly asked: string[] = [];
  /** Whom the pages of scans named. */
  readonly scanned: string[][] = [];
  /** Messages that one look of a scan has. */
  pageSize = Infinity;
  /** Chat does not answer. */
  isAway = false;

  chat(...members: string[]): string {
    const chatId = uuid();
    this.chats.set(chatId, { isDirect: false, members, said: [] });
    return chatId;
  }

  direct(one: string, other: string): string {
    const chatId = this.chat(one, other);
    this.chats.get(chatId)!.isDirect = true;
    return chatId;
  }

  /** `late`: how long before it was stored its id was made. */
  say(by: string, chatId: string, { mentions = [], late = 0 }: { mentions?: string[]; late?: number } = {}): number {
    const { said } = this.chats.get(chatId)!;
    const seq = said.length + 1;
    said.push({ id: uuid({ msecs: this.now - late }), seq, by, at: this.now, mentions });
    this.readUpTo(by, chatId, seq);
    return seq;
  }

  readUpTo(userId: string, chatId: string, seq: number): void {
    this.read.set(`${userId}:${chatId}`, seq);
  }

  readonly #readSeq = (userId: string, chatId: string) => this.read.get(`${userId}:${chatId}`) ?? 0;

  async scan({ after, limit, known = {} }: Params<"chat.digest.scan">) {
    this.#ask("scan");
    const all = [...this.chats].flatMap(([chatId, { said }]) => said.map((one) => ({ chatId, ...one })));
    const page = all
      .filter(({ id }) => id > after)
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, Math.min(limit, this.pageSize));
    const isNew = ({ chatId, seq }: (typeof page)[0]) => seq > (known[chatId] ?? 0);
    const items = [...Map.groupBy(page.filter(isNew), ({ chatId }) => chatId)].map(([chatId, found]) => {
      const { members, isDirect, said } = this.chats.get(chatId)!;
      const seq = Math.max(...found.map((one) => one.seq));
      const from = known[chatId] ?? Math.min(...found.map((one) => one.seq)) - 1;
      const looked = said.filter((one) => one.seq > from && one.seq <= seq);
      const userIds = members.filter((userId) => this.#readSeq(userId, chatId) < seq);
      const urgentIds = userIds.filter((userId) => isDirect || looked.some(({ mentions }) => mentions.includes(userId)));
      return { chatId, seq, at: Math.min(...looked.map(({ at }) => at)), userIds, urgentIds };
    });
    this.scanned.push(items.flatMap(({ userIds }) => userIds));
    return { items, last: page.at(-1)?.id ?? null };
  }

  async unread({ userId, told, since = 0 }: Params<"chat.digest.read">): Promise<Unread> {
    this.#ask("read");
    const kept: Record<string, number> = {};
    const chats = [...this.chats].flatMap(([chatId, { members, isDirect, said }]): UnreadChat[] => {
      if (!members.includes(userId)) return [];
      const readSeq = this.#readSeq(userId, chatId);
      if ((told[chatId] ?? 0) > readSeq) kept[chatId] = told[chatId]!;
      const fromSeq = Math.max(readSeq, told[chatId] ?? 0);
      const unread = said.slice(fromSeq);
      if (unread.length === 0 || said.at(-1)!.at < since) return [];
      const urgent = unread.find(({ mentions }) => isDirect || mentions.includes(userId));
      const messages = unread.slice(-5).map(({ seq, by, at, mentions }) => ({
        ...{ seq, by, at, text: `message ${seq}`, isMention: mentions.includes(userId) },
      }));
      return [
        {
          ...{ chatId, type: isDirect ? "direct" : "group", title: isDirect ? null : "Plans", readSeq, fromSeq },
          ...{ toSeq: said.length, count: unread.length, firstAt: unread[0]!.at, urgentAt: urgent?.at ?? null, messages },
        },
      ];
    });
    return { preferences: { ...preferences, ...this.wishes.get(userId) }, chats, more: 0, told: kept };
  }

  async recipient(userId: string): Promise<Recipient | undefined> {
    this.#ask("recipient");
    return this.gone.has(userId) ? undefined : { userId, email: `${userId}@example.org`, name: "Reader" };
  }

  #ask(what: string): void {
    this.asked.push(what);
    if (this.isAway) throw new Error("nobody answers");
  }
}

/** The data of mail, in memory. */
export class Mails {
  readonly digests: DigestStore;
  readonly store: MailStore;

  private constructor(digests: DigestStore, store: MailStore) {
    this.digests = digests;
    this.store = store;
  }

  static async open(): Promise<Mails> {
    const database = { ...openTestStore(), shared: true };
    return new Mails(await DigestStore.open(database), await MailStore.open(database));
  }

  /** What was accepted for somebody, the oldest first. */
  async of(userId: string): Promise<UnreadJob[]> {
    const jobs = await this.store.jobsAfter(`${userId}@example.org`, "", 1000);
    return jobs.map(({ job }) => job as UnreadJob);
  }
}

export class Died extends Error {}

/** A node of mail. */
export class MailNode {
  readonly scanner: Scanner;
  readonly teller: Teller;
  steps = 0;
  #isDead = false;

  /** `dies`: asked before and after each step, by its number. */
  constructor(town: Town, { digests, store }: Mails, dies: (step: number) => boolean = () => false) {
    const step = async <T>(act: () => Promise<T>): Promise<T> => {
      await this.#live(dies);
      const result = await act();
      await this.#live(dies);
      return result;
    };
    const mine = new Proxy(digests, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => step(() => value.apply(target, args) as Promise<unknown>);
      },
    });
    const now = () => town.now;
    const common = { store: mine, now };
    this.scanner = new Scanner({
      ...{ ...common, everyMs: 15 * second, lookAfterMs: 2 * minute },
      scan: (params) => step(() => town.scan(params)),
    });
    this.teller = new Teller({
      ...{ ...common, from: "Confab <no-reply@example.org>", publicUrl: "https://chat.example/", notifyAfterMs: 2 * minute },
      read: (params) => step(() => town.unread(params)),
      isOnline: async (userId) => town.online.has(userId),
      recipient: (userId) => step(() => town.recipient(userId)),
      names: async (_, userIds) => new Map(userIds.map((userId) => [userId, `name of ${userId}`])),
      accept: (job) => step(async () => void (await store.addJob(job, 0))),
      withdraw: (userId) => step(() => store.eraseUser(userId)),
    });
  }

  async #live(dies: (step: number) => boolean): Promise<void> {
    // Others have their turn meanwhile.
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#isDead ||= dies(this.steps++);
    if (this.#isDead) throw new Died();
  }

  get isDead(): boolean {
    return this.#isDead;
  }
}

/** The messages of each chat that mails tell of, by chat: ranges in the order in which they were accepted. */
export function rangesOf(jobs: readonly UnreadJob[]): Map<string, [from: number, to: number][]> {
  const ranges = new Map<string, [number, number][]>();
  for (const { data } of jobs)
    for (const { chatId, fromSeq, toSeq } of data.chats) ranges.set(chatId, [...(ranges.get(chatId) ?? []), [fromSeq, toSeq]]);
  return ranges;
}

/** Whether the ranges go from the beginning to this message, each from where the one before ends. */
export function isWhole(ranges: readonly [from: number, to: number][] | undefined, last: number): boolean {
  let reached = 0;
  for (const [from, to] of ranges ?? []) {
    if (from !== reached || to <= from) return false;
    reached = to;
  }
  return reached === last;
}
