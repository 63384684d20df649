import fc from "fast-check";
import { noAccount, type Account } from "./account.ts";
import type { ChatLog } from "./api.ts";
import { CatchUp } from "./catchup.ts";
import { Pages } from "./pages.ts";
import { isAtHand, markRead, movePointers, type Logs } from "./state.ts";
import { createStore } from "./store.ts";
import { ModelServer, preferences, type Hint } from "./testing.ts";

/*
 * The law that everything serves: what a client has, with what it is told, is what a new client would be given.
 * A server does anything, its hints are lost, doubled and swapped, answers come when they come.
 */

const [me, bob, cy] = ["ann", "bob", "cy"];
const people = [me, bob, cy];
const chatIds = ["one", "two"];
const emojis = ["👍", "🎉", "👀"];

/** One thing that happens; the numbers choose among what is there to choose from. */
interface Step {
  what: keyof typeof happenings;
  a: number;
  b: number;
  c: number;
}

/** A promise that somebody else decides about. */
interface Pending {
  /** Works the answer out: the server has looked. */
  look(): void;
  /** The answer arrives. */
  arrive(): void;
}

class World {
  readonly server: ModelServer;
  readonly logs = createStore<Logs>(new Map());
  readonly account = createStore<Account>(noAccount);
  readonly pending: Pending[] = [];
  readonly answers: (() => void)[] = [];
  readonly pointers: { chatId: string; seq: number }[] = [];
  readonly catchUp: CatchUp;
  readonly pages: Pages;
  isCalm = false;
  /** Whether anything that was known was unknown again. */
  wentBack = false;

  constructor({ said, ...options }: { said: number } & ConstructorParameters<typeof ModelServer>[1]) {
    this.server = new ModelServer(me, options);
    if (said > 0) this.server.create("one", bob, [me, cy]);
    for (let count = 0; count < said; count++) this.server.send("one", count % 5 === 0 ? me : bob, count % 3 === 0 ? "all" : []);
    this.server.hints.length = 0;
    this.catchUp = new CatchUp({
      logs: this.logs,
      account: this.account,
      myId: () => me,
      pull: (known) => this.ask(() => this.server.sync(known)),
      pause: () => (this.isCalm ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, 0))),
    });
    let before = this.logs.get();
    this.logs.subscribe((now) => {
      for (const [chatId, { rev }] of now) this.wentBack ||= rev < (before.get(chatId)?.rev ?? 0);
      before = now;
    });
    this.pages = new Pages({
      logs: this.logs,
      catchUp: this.catchUp,
      myId: () => me,
      list: ({ chatId, ...where }) => this.ask(() => this.server.list(chatId, where)),
      get: ({ chatId, messageId }) => this.ask(() => ({ message: this.server.message(chatId, messageId) })),
    });
  }

  /** Asks the server, which looks and answers when it is its time. */
  ask<T>(look: () => T): Promise<T> {
    if (this.isCalm) return Promise.resolve().then(look);
    return new Promise((resolve) => {
      let answer: { value: T } | undefined;
      const lookOnce = () => (answer ??= { value: structuredClone(look()) });
      this.pending.push({
        look: lookOnce,
        arrive: () => resolve(Promise.resolve().then(() => lookOnce().value)),
      });
    });
  }

  hear(hint: Hint): void {
    if ("entry" in hint) this.catchUp.receive([hint.entry]);
    else this.catchUp.receiveOwn([hint.own]);
  }

  /** Everything gets through from here on. */
  async calm(): Promise<void> {
    this.isCalm = true;
    for (const one of this.pending.splice(0)) one.arrive();
    await settled();
    for (const answer of this.answers.splice(0)) answer();
    for (const { chatId, seq } of this.pointers) this.server.move(chatId, seq, 0);
    this.server.hints.length = 0;
    this.catchUp.receiveHeads(this.server.heads());
    await settled();
    for (const one of this.pending.splice(0)) one.arrive();
    await this.catchUp.sync();
    await settled();
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 1));
const pick = <T>(from: readonly T[], n: number): T | undefined => from[n % from.length];

/** A chat that somebody other than `me` may act in, and one of its messages. */
function chatOf({ server }: World, { a }: Step) {
  const chatId = pick([...server.logs.keys()], a);
  if (chatId === undefined || server.logs.get(chatId)!.at(-1)!.type === "chat.deleted") return undefined;
  return { chatId, members: [...server.members(chatId).keys()] };
}

function messageOf(world: World, step: Step) {
  const chat = chatOf(world, step);
  const sent = chat && world.server.logs.get(chat.chatId)!.filter((entry) => entry.type === "message.sent");
  const entry = sent && pick(sent, step.b);
  if (!entry) return undefined;
  const message = world.server.message(chat.chatId, entry.data.message.id);
  return { ...chat, message, of: { messageId: message.id, seq: message.seq }, by: pick(chat.members, step.c) };
}

/** What changes a message that was not deleted. */
const onMessage =
  (change: (world: World, target: NonNullable<ReturnType<typeof messageOf>> & { by: string }, step: Step) => void) =>
  (world: World, step: Step) => {
    const target = messageOf(world, step);
    if (target?.by && target.message.deletedAt === null) change(world, { ...target, by: target.by }, step);
  };

const happenings = {
  create({ server }, { a, b }) {
    const chatId = chatIds.find((id) => !server.logs.has(id));
    if (chatId)
      server.create(
        chatId,
        pick(people, a)!,
        people.filter((_, at) => at !== a % 3),
        b % 2 ? "all" : "join",
      );
  },
  send(world, step) {
    const chat = chatOf(world, step);
    const by = chat && pick(chat.members, step.b);
    if (by) world.server.send(chat.chatId, by, pick([[], [me], [cy], "all" as const], step.c));
  },
  edit: onMessage(({ server }, { chatId, message, of }, { c }) => {
    const mentions = pick([[], [me], "all" as const], c)!;
    server.append(chatId, message.senderId, {
      type: "message.edited",
      data: { ...of, text: `edit ${c}`, mentions, data: { c } },
    });
  }),
  remove: onMessage(({ server }, { chatId, by, of }) => void server.append(chatId, by, { type: "message.deleted", data: of })),
  react: onMessage(({ server }, { chatId, by, of, message }, { b, c }) => {
    const emoji = pick(emojis, b + c)!;
    const log = server.logs.get(chatId)!;
    const last = log.findLast(
      (entry) =>
        (entry.type === "reaction.added" || entry.type === "reaction.removed") &&
        entry.by === by &&
        entry.data.messageId === message.id &&
        entry.data.emoji === emoji,
    );
    const type = last?.type === "reaction.added" ? "reaction.removed" : "reaction.added";
    server.append(chatId, by, { type, data: { ...of, emoji } });
  }),
  pin: onMessage(({ server }, { chatId, by, of, message }) => {
    server.append(chatId, by, { type: message.pinned ? "pin.removed" : "pin.added", data: of });
  }),
  comeOrGo(world, step) {
    const chat = chatOf(world, step);
    const who = pick(people, step.b)!;
    if (!chat || chat.members.length === 0) return;
    const by = pick(chat.members, step.c)!;
    if (!chat.members.includes(who))
      world.server.append(chat.chatId, by, {
        type: "member.added",
        data: { members: [{ userId: who, role: "member" }], inviteId: null },
      });
    else if (chat.members.length > 1)
      world.server.append(chat.chatId, by, { type: "member.removed", data: { userId: who, banned: step.c % 2 === 0 } });
  },
  change(world, step) {
    const chat = chatOf(world, step);
    const by = chat && pick(chat.members, step.b);
    if (!by) return;
    const { server } = world;
    const { chatId } = chat;
    const historyFrom = pick(["all", "join"] as const, step.c)!;
    const data = { title: `title ${step.c}`, data: { c: step.c }, historyFrom, posting: "admins", slowMode: step.c } as const;
    const who = pick(chat.members, step.c)!;
    if (step.b % 4 === 0) server.append(chatId, by, { type: "member.changed", data: { userId: who, role: "admin" } });
    else if (step.b % 4 === 1) server.append(chatId, by, { type: "ban.added", data: { userId: "dan" } });
    else if (step.b % 4 === 2) server.append(chatId, by, { type: "poll.closed" as "ban.removed", data: { userId: "dan" } });
    else server.append(chatId, by, { type: "chat.changed", data });
  },
  destroy(world, step) {
    // Seldom, since nothing follows it.
    const chat = step.c % 5 === 0 ? chatOf(world, step) : undefined;
    const by = chat && pick(chat.members, step.b);
    if (by) world.server.append(chat.chatId, by, { type: "chat.deleted", data: {} });
  },
  note({ server }, { a, b, c }) {
    const chatId = pick([...server.logs.keys()], a);
    if (chatId === undefined || !server.isIn(chatId)) return;
    const flag = pick(["pinned", "archived", "markedUnread"] as const, b)!;
    if (c % 3 === 0) server.move(chatId, c, b);
    else server.note(chatId, { [flag]: c % 3 === 1 });
  },
  account({ server }, { a, b, c }) {
    if (c % 3 === 0) server.tell("profile", { type: "profile.changed", data: { name: `Ann ${a}`, avatar: null } });
    else if (c % 3 === 1)
      server.tell("preferences", {
        type: "preferences.changed",
        data: { ...preferences, readReceipts: a % 2 === 0, presence: b % 2 === 0, findable: a % 3 === 0 },
      });
    else server.tell(`block:${people[a % 3]}`, { type: "block.changed", data: { userId: people[a % 3]!, blocked: b % 2 === 0 } });
  },

  hear(world) {
    const [hint] = world.server.hints.splice(0, 1);
    if (hint) world.hear(hint);
  },
  hearAll(world) {
    for (const hint of world.server.hints.splice(0)) world.hear(hint);
  },
  hearLater(world, { a }) {
    const { hints } = world.server;
    const [hint] = hints.splice(a % Math.max(1, hints.length), 1);
    if (hint) world.hear(hint);
  },
  hearTwice(world, { a }) {
    const hint = pick(world.server.hints, a);
    if (hint) world.hear(hint);
  },
  lose(world, { a }) {
    world.server.hints.splice(a % Math.max(1, world.server.hints.length), 1);
  },
  heads: (world) => world.catchUp.receiveHeads(world.server.heads()),
  sync: (world) => void world.catchUp.sync().catch(() => {}),
  look: (world, { a }) => pick(world.pending, a)?.look(),
  arrive(world, { a }) {
    const [one] = world.pending.splice(a % Math.max(1, world.pending.length), 1);
    one?.arrive();
  },
  older: (world, { a }) => void world.pages.loadOlder(pick(chatIds, a)!).catch(() => {}),
  newer: (world, { a }) => void world.pages.loadNewer(pick(chatIds, a)!).catch(() => {}),
  jump: (world, { a, b }) => void world.pages.jump(pick(chatIds, a)!, b).catch(() => {}),
  leaveWindow: (world, { a }) => world.pages.leaveWindow(pick(chatIds, a)!),
  quote(world, step) {
    const target = messageOf(world, step);
    if (!target || !world.server.messages(target.chatId).some(({ id }) => id === target.message.id)) return;
    void world.pages.message(target.chatId, target.message.id).catch(() => {});
  },
  read(world, { a, b }) {
    const chatId = pick(chatIds, a)!;
    const lastSeq = world.logs.get().get(chatId)?.chat.lastSeq;
    if (lastSeq === undefined) return;
    const seq = Math.min(b, lastSeq);
    world.catchUp.change(chatId, (log) => markRead(log, seq, me));
    world.pointers.push({ chatId, seq });
  },
  tellRead(world) {
    for (const { chatId, seq } of world.pointers.splice(0)) {
      const moved = world.server.move(chatId, seq, 0);
      world.answers.push(() => {
        for (const [id, to] of Object.entries(moved)) world.catchUp.change(id, (log) => movePointers(log, to, me));
      });
    }
  },
  askChat(world, { a }) {
    const chatId = pick(chatIds, a)!;
    if (!world.server.logs.has(chatId) || !world.server.isIn(chatId)) return;
    const since = world.account.get().userRev;
    const chat = world.server.chat(chatId);
    world.answers.push(() => world.catchUp.learnChat(chat, since));
  },
  askMessage(world, step) {
    const target = messageOf(world, step);
    if (target && world.server.isIn(target.chatId)) world.answers.push(() => world.catchUp.learnMessage(target.message));
  },
  answer: (world, { a }) => world.answers.splice(a % Math.max(1, world.answers.length), 1)[0]?.(),
} satisfies Record<string, (world: World, step: Step) => void>;

/** What races with each other. */
const often = [
  "send",
  "send",
  "hear",
  "hearAll",
  "hearAll",
  "edit",
  "edit",
  "look",
  "look",
  "arrive",
  "older",
  "quote",
  "jump",
] as const;

const steps = fc.array(
  fc.record({
    what: fc.constantFrom(...(Object.keys(happenings) as Step["what"][]), ...often),
    a: fc.nat(30),
    b: fc.nat(30),
    c: fc.nat(30),
  }),
  { minLength: 10, maxLength: 150, size: "max" },
);
const options = fc.record({
  /** Messages that are there before the client is. */
  said: fc.integer({ min: 0, max: 40 }),
  room: fc.integer({ min: 2, max: 40 }),
  farBehind: fc.integer({ min: 5, max: 40 }),
  page: fc.integer({ min: 2, max: 12 }),
  freshByReset: fc.boolean(),
});

/** What is at hand of a chat is what the server has of it, without a hole. */
function expectSame(world: World, chatId: string, log: ChatLog): void {
  const { server } = world;
  const all = server.messages(chatId);
  const truth = server.chat(chatId);
  const run = (messages: ChatLog["messages"]) => {
    const first = all.findIndex(({ id }) => id === messages[0]?.id);
    return first < 0 ? [] : all.slice(first, first + messages.length);
  };
  const exact = isAtHand(log, truth.me.readSeq + 1) || truth.unreadCount === 0;
  const { unreadMentions } = exact ? truth : log.chat;
  expect(log.chat).toEqual({ ...truth, unreadMentions });
  expect(log.rev).toBe(truth.rev);
  expect(log.messages).toEqual(run(log.messages));
  expect(log.messages.at(-1)).toEqual(all.at(-1));
  if (log.older === null) expect(log.messages).toEqual(all);
  expect([...log.quoted.values()]).toEqual([...log.quoted.keys()].map((id) => server.message(chatId, id)));
  if (!log.window) return;
  expect(log.window.messages).toEqual(run(log.window.messages));
  if (log.window.before === null) expect(log.window.messages[0]).toEqual(all[0]);
}

test("old state with whatever was told of, and a sync, is the fresh state", async () => {
  const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 1_000_000_007);
  console.log(`TEST_SEED=${seed}`);
  await fc.assert(
    fc.asyncProperty(options, steps, async (given, all) => {
      const world = new World(given);
      for (const step of all) {
        happenings[step.what](world, step);
        // What goes on in promises goes on.
        for (let turns = 0; turns < 3; turns++) await Promise.resolve();
      }
      await world.calm();
      const { server, wentBack } = world;
      expect(wentBack).toBe(false);
      const mine = [...server.logs.keys()].filter((chatId) => server.isIn(chatId));
      expect([...world.logs.get().keys()].sort()).toEqual(mine.sort());
      for (const [chatId, log] of world.logs.get()) expectSame(world, chatId, log);
      expect(world.account.get().userRev).toBe(server.userRev);
      expect(world.account.get().blocks).toEqual(server.blocks);
    }),
    { seed, numRuns: Number(process.env["TEST_RUNS"] ?? 250) },
  );
}, 120_000);
