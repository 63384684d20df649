import type { ActionName, EntryType, Params, ProblemCode } from "@confab/contracts";
import { between, pick, shuffle, type Random } from "../../support/random.ts";
import { newName } from "../../support/user.ts";
import { pause } from "../../support/wait.ts";
import type { Acts } from "./acts.ts";
import type { Asker, Outcome } from "./asker.ts";
import type { Sight } from "./sight.ts";
import { isIn, rules, stays, type Said, type Talk } from "./talk.ts";

const emojis = ["👍", "❤️", "😂", "😮", "🎉", "🇩🇪", "👩‍👩‍👧‍👦", "🤷🏽‍♀️", "7️⃣", "✌️", "🐙", "🍀", "🌊", "⚡", "🚲"];

/** What there is to do. */
export const changes = [
  "message.sent",
  "message.edited",
  "message.deleted",
  "reaction.added",
  "reaction.removed",
  "pin.added",
  "pin.removed",
  "chat.changed",
  "member.added",
  "member.removed",
  "receipts",
  "own",
  "repeated",
  "shouted",
] as const;

/** How many changes of each kind were done. */
export type Tally = Map<(typeof changes)[number], number>;

/** Somebody who does one thing after another, whatever comes to mind. */
export class Writer {
  readonly #asker: Asker;
  readonly #random: Random;
  readonly #talks: readonly Talk[];
  readonly #acts: Acts;
  readonly #sight: Sight;
  readonly #tally: Tally;
  readonly #reacted = new Set<string>();
  readonly #reactions: { talk: Talk; said: Said; emoji: string }[] = [];
  /** Whom this one brings in and takes out, and in which chats they are just now. */
  readonly #moves: { talk: Talk; userId: string; isIn: boolean }[];
  readonly #pointers = new Map<string, number>();
  #edits = 0;

  constructor(asker: Asker, talks: readonly Talk[], acts: Acts, sight: Sight, tally: Tally) {
    this.#asker = asker;
    this.#random = asker.random;
    this.#talks = talks.filter((talk) => isIn(talk, asker.id));
    this.#acts = acts;
    this.#sight = sight;
    this.#tally = tally;
    // The first comer of a chat comes and goes by themselves; the others are brought and removed by its owner.
    this.#moves = this.#talks.flatMap((talk) =>
      talk.comers.flatMap(({ id }, at) =>
        (at === 0 ? id : talk.members[0]!.id) === asker.id ? { talk, userId: id, isIn: true } : [],
      ),
    );
  }

  /** Works on. At each stroke of the gong everybody says many things in one chat at once. */
  async work(goesOn: () => boolean, gong: () => number): Promise<void> {
    let heard = gong();
    const ways: [weight: number, way: () => Promise<void>][] = [
      [14, () => this.#send()],
      [5, () => this.#edit()],
      [2, () => this.#delete()],
      [5, () => this.#react()],
      [3, () => this.#unreact()],
      [3, () => this.#pin()],
      [1, () => this.#rename()],
      [3, () => this.#read()],
      [3, () => this.#own()],
      [3, () => this.#repeat()],
      [3, () => this.#move()],
    ];
    const all = ways.flatMap(([weight, way]) => Array<() => Promise<void>>(weight).fill(way));
    for (let bag: typeof all = []; goesOn();) {
      // Each has its turn before the first comes again.
      if (bag.length === 0) bag = shuffle(this.#random, all);
      if (heard === gong()) await bag.pop()!();
      else await this.#shout(this.#talks[(heard = gong()) % this.#talks.length]!);
      await pause(between(this.#random, 5, 60));
    }
  }

  /** Does it until there is an answer, and notes what became of it. */
  async #do<N extends ActionName>(
    name: N,
    params: Params<N>,
    act: { talk: Talk; type: EntryType & (typeof changes)[number]; what: string },
    refusals: ProblemCode[] = [],
  ): Promise<Outcome<N>> {
    const { talk, type, what } = act;
    const outcome = await this.#asker.ask(name, params);
    const { refused, interrupted } = outcome;
    this.#acts.note({ chatId: talk.id, type, by: this.#asker.id, what, done: refused === undefined, interrupted });
    if (refused === undefined) this.#count(type);
    const isOut: ProblemCode[] = stays(talk, this.#asker.id) ? [] : ["chat.not_found"];
    if (refused !== undefined && ![...refusals, ...isOut].includes(refused))
      this.#sight.blame(`G2: ${name} was refused: ${refused}`);
    return outcome;
  }

  #count(kind: (typeof changes)[number]): void {
    this.#tally.set(kind, (this.#tally.get(kind) ?? 0) + 1);
  }

  /** Entries of one chat that share a write, on both nodes at the same time: some will be refused in the midst of it. */
  async #shout(talk: Talk): Promise<void> {
    await Promise.all(Array.from({ length: 6 }, () => this.#send(talk)));
    this.#count("shouted");
  }

  async #send(talk = pick(this.#random, this.#talks)): Promise<void> {
    const name = newName();
    const replied = this.#random() < 0.2 ? this.#any(talk) : undefined;
    const params: Params<"chat.message.send"> = {
      chatId: talk.id,
      clientMessageId: name,
      text: `words of ${name}`,
      ...(replied ? { replyTo: replied.id } : {}),
      ...(this.#random() < 0.2 ? { mentions: this.#random() < 0.5 ? "all" : [talk.members[0]!.id] } : {}),
      ...(this.#random() < 0.1 ? { data: { of: name } } : {}),
    };
    const asked = performance.now();
    const { result } = await this.#do("chat.message.send", params, { talk, type: "message.sent", what: name });
    if (!result) return;
    // Nobody else knows of it yet, so nothing has happened to it and its rev is its place.
    const { id, seq, rev } = result.message;
    this.#acts.names.push({ chatId: talk.id, by: this.#asker.id, name, id, seq, rev });
    this.#sight.seeMessage(result.message, asked);
    talk.said.push({ id, seq, by: this.#asker.id, deleted: false });
  }

  /** G3: a name that was told already is told again, through several doors at once, and with other words. */
  async #repeat(): Promise<void> {
    const mine = this.#acts.names.filter(({ by }) => by === this.#asker.id);
    if (mine.length === 0) return;
    const { chatId, name, id, seq } = pick(this.#random, mine);
    const params = { chatId, clientMessageId: name, text: "other words" };
    const outcomes = await Promise.all([1, 2, 3].map(() => this.#asker.ask("chat.message.send", params)));
    this.#count("repeated");
    for (const { result, refused } of outcomes) {
      if (result && (result.message.id !== id || result.message.seq !== seq))
        this.#sight.blame(`G3: ${name} was ${id} at ${seq}, and is ${result.message.id} at ${result.message.seq}`);
      const talk = this.#talks.find((one) => one.id === chatId)!;
      if (refused && (stays(talk, this.#asker.id) || refused !== "chat.not_found"))
        this.#sight.blame(`G3: ${name} was refused when it came again: ${refused}`);
    }
  }

  async #edit(): Promise<void> {
    const [talk, said] = this.#target((one) => one.by === this.#asker.id);
    if (!said) return;
    const params = { chatId: talk.id, messageId: said.id, text: `edit ${++this.#edits} of ${said.id}` };
    const asked = performance.now();
    const { result } = await this.#do("chat.message.edit", params, { talk, type: "message.edited", what: said.id }, [
      "chat.message_deleted",
    ]);
    if (result) this.#sight.seeMessage(result.message, asked);
  }

  async #delete(): Promise<void> {
    const [talk, said] = this.#target(
      (one, where) => one.by === this.#asker.id || (where.isGroup && rules(where, this.#asker.id)),
    );
    if (!said) return;
    const params = { chatId: talk.id, messageId: said.id };
    const asked = performance.now();
    const { result } = await this.#do("chat.message.delete", params, { talk, type: "message.deleted", what: said.id });
    if (!result) return;
    said.deleted = true;
    this.#sight.seeMessage(result.message, asked);
  }

  async #react(): Promise<void> {
    const [talk, said] = this.#target(() => true);
    const emoji = pick(this.#random, emojis);
    const what = `${said?.id} ${emoji}`;
    if (!said || this.#reacted.has(what)) return;
    this.#reacted.add(what);
    const params = { chatId: talk.id, messageId: said.id, emoji };
    const asked = performance.now();
    const act = { talk, type: "reaction.added", what } as const;
    const { result } = await this.#do("chat.reaction.add", params, act, ["chat.message_deleted"]);
    if (!result) return;
    this.#reactions.push({ talk, said, emoji });
    this.#sight.seeMessage(result.message, asked);
  }

  async #unreact(): Promise<void> {
    const at = Math.floor(this.#random() * this.#reactions.length);
    const [reaction] = this.#reactions.splice(at, 1);
    if (!reaction) return;
    const { talk, said, emoji } = reaction;
    const act = { talk, type: "reaction.removed", what: `${said.id} ${emoji}` } as const;
    await this.#do("chat.reaction.remove", { chatId: talk.id, messageId: said.id, emoji }, act, ["chat.message_deleted"]);
  }

  async #pin(): Promise<void> {
    const [talk, said] = this.#target((_, where) => rules(where, this.#asker.id));
    if (!said || !rules(talk, this.#asker.id)) return;
    const adds = this.#random() < 0.6;
    const params = { chatId: talk.id, messageId: said.id };
    const refusals: ProblemCode[] = ["chat.message_deleted", "chat.too_many_pins"];
    if (adds) await this.#do("chat.pin.add", params, { talk, type: "pin.added", what: said.id }, refusals);
    else await this.#do("chat.pin.remove", params, { talk, type: "pin.removed", what: said.id });
  }

  async #rename(): Promise<void> {
    const mine = this.#talks.filter((talk) => talk.isGroup && rules(talk, this.#asker.id));
    if (mine.length === 0) return;
    const talk = pick(this.#random, mine);
    const title = `title ${newName()}`;
    await this.#do("chat.chat.change", { chatId: talk.id, title }, { talk, type: "chat.changed", what: title });
  }

  /** Pointers only move forward, whatever is asked and through whatever door. */
  async #read(): Promise<void> {
    const read = Object.fromEntries(
      this.#talks.map(({ id }) => [id, Math.floor(this.#random() * (this.#sight.lastSeq(id) + 1))] as const),
    );
    const { result } = await this.#asker.ask("chat.receipt.move", { read });
    for (const [chatId, { readSeq }] of Object.entries(result?.chats ?? {})) {
      const before = Math.max(this.#pointers.get(chatId) ?? 0, read[chatId] ?? 0);
      if (readSeq < before) this.#sight.blame(`G4: a pointer went back from ${before} to ${readSeq}`);
      this.#pointers.set(chatId, readSeq);
    }
    this.#count("receipts");
  }

  /** What is in one's own log alone. */
  async #own(): Promise<void> {
    this.#count("own");
    const set = this.#random() < 0.6;
    const way = this.#random();
    if (way < 0.2) {
      await this.#asker.ask("chat.preference.change", { readReceipts: set });
    } else if (way < 0.6) {
      // Somebody with whom there is no direct chat, so that nothing else comes of it.
      const { id: userId } = pick(this.#random, this.#talks[0]!.comers);
      await this.#asker.ask(set ? "chat.block.add" : "chat.block.remove", { userId });
    } else {
      const talk = pick(this.#random, this.#talks);
      const flag = pick(this.#random, ["pinned", "archived", "markedUnread"] as const);
      const { result, refused } = await this.#asker.ask("chat.me.change", { chatId: talk.id, [flag]: set });
      if (result && result.me[flag] !== set) this.#sight.blame(`G4: a chat is not ${flag} after it was said to be`);
      if (refused && stays(talk, this.#asker.id)) this.#sight.blame(`G2: a chat could not be ${flag}: ${refused}`);
    }
  }

  async #move(): Promise<void> {
    if (this.#moves.length === 0) return;
    const move = pick(this.#random, this.#moves);
    const { talk, userId } = move;
    const alone = userId === this.#asker.id;
    if (move.isIn) {
      const act = { talk, type: "member.removed", what: userId } as const;
      // Asked again where it was done and nobody said so, the member is not there any more.
      await this.#do("chat.member.remove", { chatId: talk.id, userId }, act, ["chat.member_not_found"]);
    } else if (alone) {
      const act = { talk, type: "member.added", what: userId } as const;
      const { refused } = await this.#do("chat.invite.accept", { code: talk.code! }, act);
      if (refused) this.#sight.blame(`G2: an invite was refused: ${refused}`);
    } else {
      await this.#do("chat.member.add", { chatId: talk.id, userIds: [userId] }, { talk, type: "member.added", what: userId });
    }
    move.isIn = !move.isIn;
  }

  /** A message that one may do something about, most likely a late one. Comers keep to their own: those they see for sure. */
  #target(may: (said: Said, talk: Talk) => boolean): [Talk, Said | undefined] {
    const talk = pick(this.#random, this.#talks);
    const own = stays(talk, this.#asker.id) ? () => true : ({ by }: Said) => by === this.#asker.id;
    const fit = talk.said.slice(-60).filter((said) => !said.deleted && own(said) && may(said, talk));
    return [talk, fit.length > 0 ? pick(this.#random, fit) : undefined];
  }

  #any(talk: Talk): Said | undefined {
    const fit = stays(talk, this.#asker.id) ? talk.said : talk.said.filter(({ by }) => by === this.#asker.id);
    return fit.length > 0 ? pick(this.#random, fit) : undefined;
  }
}
