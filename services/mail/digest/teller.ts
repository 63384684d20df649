import type { Params, Result } from "@confab/contracts";
import { isProblem } from "@confab/mixins/problem.ts";
import { v7 as uuid } from "uuid";
import { makeJob, readMailJob, type Job } from "../job.ts";
import type { DecidedTold, DigestStore, StoredTold, TakenPending } from "../store/digest.store.ts";
import { decide, type Kind, type Unread, type UnreadChat } from "./when.ts";

export type Recipient = Result<"user.recipient.list">["items"][number];

export interface TellerOptions {
  store: Pick<DigestStore, "takePending" | "dropPending" | "putOff" | "release" | "toldOf" | "decide" | "carriedOut">;
  read: (params: Params<"chat.digest.read">) => Promise<Unread>;
  /** Whether somebody is there now, and not away. */
  isOnline: (userId: string) => Promise<boolean>;
  /** Nobody where somebody is not to be mailed. */
  recipient: (userId: string) => Promise<Recipient | undefined>;
  /** What people are called, as far as the reader may see them. */
  names: (readerId: string, userIds: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  /** Takes a job into the queue: again is as once. */
  accept: (job: Job) => Promise<void>;
  /** Removes what is in the queue of somebody who is erased. */
  withdraw: (userId: string) => Promise<void>;
  from: string;
  publicUrl: string;
  notifyAfterMs: number;
  /** After so long somebody who was taken is another's. */
  leaseMs?: number;
  now?: () => number;
}

/** Whoever is there now is looked at again after so long, at most. */
const lookAgainMs = 60_000;
/** Where a service that is asked does not answer. */
export const retryMs = 15_000;
/** After so long a reader whom a node took is another node's. */
export const tellLeaseMs = 10_000;
/** How much earlier than what was noted a message may be that belongs with it: notes are not quite in the order of time. */
const slackMs = 600_000;
const atOnce = 4;

/**
 * Looks at those who may have to be mailed, when that is due, and mails them. What a mail tells and how far people are
 * told by it is decided by one write, before the mail is accepted; so whoever dies meanwhile leaves to the next one what
 * is decided, and nothing is told twice or passed over.
 */
export class Teller {
  readonly #options: Required<TellerOptions>;
  readonly #worker = uuid();
  readonly #inHand = new Set<Promise<void>>();
  #isStopping = false;
  #looking: Promise<void> | undefined;

  constructor(options: TellerOptions) {
    this.#options = { leaseMs: tellLeaseMs, now: Date.now, ...options };
  }

  /** Looks at all who are due. Throws what kept it from one of them: where nobody answers, the others are not asked about. */
  look(): Promise<void> {
    this.#looking ??= this.#lookAtAll().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #lookAtAll(): Promise<void> {
    const failures: unknown[] = [];
    const first = await this.#take();
    if (!first) return;
    const work = async (begin: TakenPending | null) => {
      for (let taken = begin ?? (await this.#take()); taken; taken = failures.length > 0 ? null : await this.#take()) {
        const looking = this.#lookAt(taken).catch((err: unknown) => void failures.push(err));
        this.#inHand.add(looking);
        await looking;
        this.#inHand.delete(looking);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, (_, at) => work(at === 0 ? first : null)));
    if (failures.length > 0) throw failures[0] as Error;
  }

  /** Takes nobody more, and lets what is in hand finish. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#inHand);
  }

  async #take(): Promise<TakenPending | null> {
    const { store, leaseMs, now } = this.#options;
    return this.#isStopping ? null : store.takePending(this.#worker, now(), now() + leaseMs);
  }

  async #lookAt(taken: TakenPending): Promise<void> {
    const { store, now } = this.#options;
    try {
      await this.#tell(taken);
    } catch (err) {
      // What cannot be a mail will be none later either; what is written next is looked at anew.
      const isHopeless = isProblem(err, "bad_input");
      await (isHopeless ? this.#drop(taken) : store.release(taken, now() + retryMs)).catch(() => {});
      throw err;
    }
  }

  async #tell(taken: TakenPending): Promise<void> {
    const { store, read, isOnline, recipient, notifyAfterMs, now } = this.#options;
    const { _id: userId, firstAt } = taken;
    let told: StoredTold | null = (await store.toldOf(userId)) ?? { _id: userId, number: 0, told: {} };
    // G5: what somebody who died has decided comes first.
    if (told.decided) told = await this.#carryOut(told as DecidedTold);
    if (!told) return this.#putOff(taken, now(), true);
    const unread = await read({ userId, told: told.told, since: firstAt - slackMs });
    const { preferences, chats } = unread;
    const decision = decide({ ...told, now: now(), preferences, chats, notifyAfterMs });
    if (decision.what === "nothing") return this.#drop(taken);
    if (decision.what === "later") return this.#putOff(taken, decision.at, decision.isUrgent);
    const reader = await recipient(userId);
    if (!reader) return this.#drop(taken);
    if (await isOnline(userId)) return this.#putOff(taken, now() + Math.min(lookAgainMs, notifyAfterMs), true);
    const job = await this.#write(decision.kind, reader, unread, decision.chats);
    const positions = { ...unread.told, ...Object.fromEntries(decision.chats.map(({ chatId, toSeq }) => [chatId, toSeq])) };
    const decided = await store.decide(told, { kind: decision.kind, job, told: positions, at: now() });
    if (decided) await this.#carryOut(decided);
    // What is left, if anything, is seen by the next look.
    await this.#putOff(taken, now(), true);
  }

  /** G5: the mail is accepted under the id that was decided, then it is told: each may be done again. Null where another did. */
  async #carryOut(decided: DecidedTold): Promise<StoredTold | null> {
    const { store, accept, withdraw } = this.#options;
    const { _id: userId } = decided;
    await accept(decided.decided.job);
    await store.carriedOut(decided);
    const told = await store.toldOf(userId);
    // Erased while it was accepted.
    if (!told) await withdraw(userId);
    return told?.decided ? null : told;
  }

  async #drop(taken: TakenPending): Promise<void> {
    const { store, now } = this.#options;
    if (!(await store.dropPending(taken))) await store.release(taken, now());
  }

  async #putOff(taken: TakenPending, at: number, isUrgent: boolean): Promise<void> {
    const { store, now } = this.#options;
    if (!(await store.putOff(taken, at, isUrgent))) await store.release(taken, now());
  }

  async #write(kind: Kind, { userId, email, name }: Recipient, unread: Unread, chats: UnreadChat[]): Promise<Job> {
    const { names, from, publicUrl } = this.#options;
    const { timeZone, language } = unread.preferences;
    const more = kind === "digest" ? unread.more : 0;
    const writers = new Set(chats.flatMap(({ messages }) => messages.map(({ by }) => by)));
    const nameOf = await names(userId, [...writers]);
    const data = {
      userId,
      name,
      chats: chats.map(({ chatId, type, title, count, fromSeq, toSeq, messages }) => ({
        ...{ chatId, isDirect: type === "direct", count, fromSeq, toSeq },
        title: (type === "direct" ? nameOf.get(messages[0]?.by ?? "") : title) ?? "",
        messages: messages.map(({ by, text, at, isMention }) => ({
          ...{ name: nameOf.get(by) ?? "", text, at: new Date(at).toISOString(), isMention },
        })),
      })),
      more,
      url: urlOf(publicUrl, chats.length + more === 1 ? chats[0]!.chatId : undefined),
      ...(timeZone === null ? {} : { timeZone }),
    };
    return makeJob(readMailJob({ template: kind, to: email, data }), from, language === null ? {} : { language });
  }
}

/** Where the page shows a chat, or all of them. */
function urlOf(publicUrl: string, chatId: string | undefined): string {
  const page = publicUrl.replace(/\/$/, "");
  return chatId === undefined ? `${page}/` : `${page}/#/chats/${chatId}`;
}
