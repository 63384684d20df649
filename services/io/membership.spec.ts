import type { Entry } from "@confab/contracts";
import { v7 as uuid } from "uuid";
import type { NodeMessage } from "./relay.ts";
import { Backend, eventually, link, pause, startNode, type TestNode } from "./testing.ts";

const backend = new Backend();
let nodes: TestNode[];
let lost: (message: NodeMessage) => boolean = () => false;
beforeAll(async () => {
  nodes = [await startNode(backend), await startNode(backend)];
  link(nodes, (message) => lost(message));
});
beforeEach(() => (lost = () => false));
afterAll(() => Promise.all(nodes.map((node) => node.stop())));

const ofKind =
  (...kinds: NodeMessage["kind"][]) =>
  ({ kind }: NodeMessage) =>
    kinds.includes(kind);

/** Ann at the first node and Bob at both, in a chat of theirs. */
async function chatOfTwo() {
  const [chatId, annId, bobId] = [uuid(), uuid(), uuid()];
  backend.create(chatId, annId, bobId);
  const ann = await nodes[0]!.enter(annId);
  const bob = [await nodes[0]!.enter(bobId), await nodes[1]!.enter(bobId)];
  return { chatId, ann, bob, bobId };
}
const roomOf = (node: TestNode, chatId: string) => node.service.io.sockets.adapter.rooms.get(`chat:${chatId}`)?.size ?? 0;

describe("a chat that was opened, or that people were added to", () => {
  test("reaches them on every node, from that entry on", async () => {
    const [ann, bob, eve] = [await nodes[0]!.enter(), await nodes[1]!.enter(), await nodes[1]!.enter()];
    const chatId = uuid();
    await nodes[0]!.tell(backend.create(chatId, ann.userId, bob.userId), backend.append(chatId));
    await eventually(() => bob.revs(chatId).length === 2);
    await nodes[1]!.tell(backend.add(chatId, eve.userId), backend.append(chatId));
    await eventually(() => eve.revs(chatId).length === 2 && ann.revs(chatId).length === 4);
    expect([ann, bob, eve].map(({ revs }) => revs(chatId))).toEqual([
      [1, 2, 3, 4],
      [1, 2, 3, 4],
      [3, 4],
    ]);
  });

  test("reaches them where only their note was told", async () => {
    const bob = await nodes[1]!.enter();
    const chatId = uuid();
    backend.create(chatId, uuid());
    backend.append(chatId);
    backend.add(chatId, bob.userId);
    backend.append(chatId);
    await nodes[0]!.tellOwn(bob.userId, backend.note(bob.userId, chatId));
    await eventually(() => bob.revs(chatId).length === 2);
    await nodes[0]!.tell(backend.append(chatId));
    await eventually(() => bob.revs(chatId).length === 3);
    expect(bob.revs(chatId)).toEqual([3, 4, 5]);
  });

  test("reaches them where chat could not be asked at first", async () => {
    const bob = await nodes[1]!.enter();
    const chatId = uuid();
    backend.create(chatId, bob.userId);
    let refused = 0;
    backend.answers["chat.entry.range"] = () => {
      refused++;
      throw new Error("away");
    };
    await nodes[0]!.tellOwn(bob.userId, backend.note(bob.userId, chatId));
    await eventually(() => refused > 0);
    delete backend.answers["chat.entry.range"];
    await eventually(() => bob.revs(chatId).length === 1);
  });

  test("costs no question where its entry comes by itself, whichever comes first", async () => {
    const bob = await nodes[0]!.enter();
    const chatId = uuid();
    const entry = backend.create(chatId, bob.userId);
    const before = backend.asked.length;
    await nodes[0]!.tellOwn(bob.userId, backend.note(bob.userId, chatId));
    await pause(200);
    await nodes[0]!.tell(entry);
    await pause(1200);
    expect(backend.asked.slice(before).map(({ name }) => name)).not.toContain("chat.follow.list");
    expect(bob.revs(chatId)).toEqual([1]);
  });
});

describe("G6: whoever was removed", () => {
  test("gets that entry and none after it, on every node", async () => {
    const { chatId, ann, bob, bobId } = await chatOfTwo();
    await nodes[0]!.tell(backend.append(chatId), backend.remove(chatId, bobId), backend.append(chatId));
    await eventually(() => ann.revs(chatId).length === 3);
    await pause(50);
    expect(bob.map(({ revs }) => revs(chatId))).toEqual([
      [2, 3],
      [2, 3],
    ]);
    expect(nodes.map((node) => roomOf(node, chatId))).toEqual([1, 0]);
    expect(nodes[1]!.service.chats.at(chatId)).toBeUndefined();
  });

  test("gets none where that event was lost, since the next entry comes after it", async () => {
    const { chatId, ann, bob, bobId } = await chatOfTwo();
    backend.remove(chatId, bobId);
    await nodes[0]!.tell(backend.append(chatId));
    await eventually(() => ann.revs(chatId).length === 2);
    await eventually(() => bob[1]!.revs(chatId).length === 1);
    await nodes[1]!.tell(backend.append(chatId));
    await eventually(() => ann.revs(chatId).length === 3);
    expect(bob.map(({ revs }) => revs(chatId))).toEqual([[2], [2]]);
  });

  test("gets no receipt and no typing either, though all that told of it was lost", async () => {
    const { chatId, ann, bob, bobId } = await chatOfTwo();
    const { rev } = backend.remove(chatId, bobId);
    lost = ofKind("entries");
    const receipt = { userId: ann.userId, readSeq: 1, deliveredSeq: 1 };
    await nodes[1]!.broker.emit("chat.receipt.moved", { chatId, rev, receipt });
    await expect(ann.ask("typing", { chatId, typing: true })).resolves.toMatchObject({ ok: true });
    await ann.waitFor("receipt");
    for (const one of bob) await eventually(() => one.revs(chatId).length === 1);
    await pause(100);
    for (const one of bob) expect(one.events()).toEqual(["ready", "chat:entry"]);
  });

  test("is out by their own note, where the chat is silent", async () => {
    const { chatId, bob, bobId } = await chatOfTwo();
    backend.remove(chatId, bobId);
    await nodes[0]!.tellOwn(bobId, backend.note(bobId, chatId));
    await eventually(() => nodes.every((node, at) => roomOf(node, chatId) === 1 - at));
    await eventually(() => bob.every(({ revs }) => revs(chatId).length === 1));
  });

  test("does not slip in while their socket is subscribed", async () => {
    const { chatId, bobId } = await chatOfTwo();
    let answer = () => {};
    const held = new Promise<void>((resolve) => (answer = resolve));
    // The list was read before the removal and arrives after it.
    backend.answers["chat.follow.list"] = async () => {
      const list = { epoch: "e", userRev: 0, chats: [{ chatId, rev: 1 }] };
      await held;
      return list;
    };
    const late = nodes[0]!.open({ userId: bobId });
    await eventually(() => backend.asked.at(-1)?.name === "chat.follow.list");
    await nodes[0]!.tell(backend.remove(chatId, bobId));
    answer();
    await late.ready;
    delete backend.answers["chat.follow.list"];
    await nodes[0]!.tell(backend.append(chatId));
    await pause(100);
    expect(late.revs(chatId)).toEqual([]);
    expect(roomOf(nodes[0]!, chatId)).toBe(1);
  });

  test("and comes back gets what was said from then on", async () => {
    const { chatId, ann, bob, bobId } = await chatOfTwo();
    await nodes[0]!.tell(backend.remove(chatId, bobId), backend.append(chatId));
    // A new socket, at a node that is behind what the list says: 4 is between, 5 brings him back.
    backend.append(chatId);
    const back = backend.add(chatId, bobId);
    const late = await nodes[0]!.enter(bobId);
    await nodes[0]!.tell(back, backend.append(chatId));
    await eventually(() => ann.revs(chatId).length === 5);
    await eventually(() => bob[1]!.revs(chatId).at(-1) === 6);
    expect(bob.map(({ revs }) => revs(chatId))).toEqual([
      [2, 5, 6],
      [2, 5, 6],
    ]);
    expect(late.revs(chatId)).toEqual([5, 6]);
  });
});

test("G6: of a chat that was deleted everybody gets the last entry, and is out", async () => {
  const { chatId, ann, bob } = await chatOfTwo();
  const late: Entry = { ...backend.append(chatId, "chat.deleted") };
  await nodes[0]!.tell(late);
  await eventually(() => bob[1]!.revs(chatId).length === 1);
  expect([ann, ...bob].map(({ revs }) => revs(chatId))).toEqual([[2], [2], [2]]);
  expect(nodes.map((node) => [roomOf(node, chatId), node.service.chats.at(chatId)])).toEqual([
    [0, undefined],
    [0, undefined],
  ]);
});

describe("one's own log", () => {
  test("reaches all one's sockets on all nodes, in order, each entry once", async () => {
    const userId = uuid();
    const [chatId, other] = [uuid(), uuid()];
    backend.create(chatId, userId);
    backend.create(other, userId);
    backend.note(userId, chatId);
    const sockets = [await nodes[0]!.enter(userId), await nodes[0]!.enter(userId), await nodes[1]!.enter(userId)];
    await expect(sockets[0]!.ready).resolves.toMatchObject({ userRev: 1 });
    const [two, three, four] = [1, 2, 3].map(() => backend.note(userId, other));
    await nodes[0]!.tellOwn(userId, three!);
    await nodes[1]!.tellOwn(userId, two!);
    await nodes[0]!.tellOwn(userId, three!);
    await nodes[0]!.tellOwn(userId, four!);
    await pause(100);
    for (const { all } of sockets) expect(all("user:entry").map(({ userRev }) => userRev)).toEqual([2, 3, 4]);
  });

  test("goes on after a gap, of which only the last of each subject is kept", async () => {
    const userId = uuid();
    const [chatId, other] = [uuid(), uuid()];
    backend.create(chatId, userId);
    backend.create(other, userId);
    const one = await nodes[1]!.enter(userId);
    for (let i = 0; i < 4; i++) backend.note(userId, chatId);
    await nodes[0]!.tellOwn(userId, backend.note(userId, other));
    await eventually(() => one.all("user:entry").length === 2);
    await nodes[1]!.tellOwn(userId, backend.note(userId, chatId));
    await eventually(() => one.all("user:entry").length === 3);
    expect(one.all("user:entry").map(({ userRev }) => userRev)).toEqual([4, 5, 6]);
  });
});

test("receipts reach all sockets of their chat on all nodes", async () => {
  const { chatId, ann, bob } = await chatOfTwo();
  const eve = await nodes[0]!.enter();
  const receipt = { userId: ann.userId, readSeq: 1, deliveredSeq: 1 };
  await nodes[0]!.broker.emit("chat.receipt.moved", { chatId, rev: 1, receipt });
  for (const one of [ann, ...bob]) await expect(one.waitFor("receipt")).resolves.toEqual({ chatId, receipt });
  expect(eve.all("receipt")).toEqual([]);
});

test("words that somebody may not see do not reach them on any node; the place does", async () => {
  const { chatId, ann, bob, bobId } = await chatOfTwo();
  const edited = backend.append(chatId, "message.edited", {
    messageId: uuid(),
    seq: 1,
    text: "secret",
    mentions: [],
    data: { a: 1 },
  });
  backend.hiddenFrom.set(`${chatId}:${edited.rev}`, [bobId]);
  await nodes[0]!.tell(edited);
  await eventually(() => [ann, ...bob].every(({ revs }) => revs(chatId).includes(edited.rev)));
  const textsOf = (entries: Entry[]) => entries.flatMap((entry) => (entry.type === "message.edited" ? entry.data.text : []));
  expect(textsOf(ann.all("chat:entry"))).toEqual(["secret"]);
  for (const socket of bob) {
    expect(textsOf(socket.all("chat:entry"))).toEqual([""]);
    expect(JSON.stringify(socket.heard)).not.toMatch(/secret|hiddenFrom/);
  }
  expect(JSON.stringify(ann.heard)).not.toContain("hiddenFrom");

  // The same where the event was lost and the log is read.
  const again = backend.append(chatId, "message.edited", {
    messageId: uuid(),
    seq: 1,
    text: "secret too",
    mentions: [],
    data: {},
  });
  backend.hiddenFrom.set(`${chatId}:${again.rev}`, [bobId]);
  await nodes[0]!.tell(backend.append(chatId));
  await eventually(() => [ann, ...bob].every(({ revs }) => revs(chatId).includes(again.rev)));
  expect(textsOf(ann.all("chat:entry"))).toEqual(["secret", "secret too"]);
  for (const socket of bob) expect(textsOf(socket.all("chat:entry"))).toEqual(["", ""]);
});

test("G2: an edit from before somebody came tells them nothing, though who it is hidden from was looked up after that", async () => {
  const { chatId, ann, bob, bobId } = await chatOfTwo();
  const removed = backend.append(chatId, "member.removed", { userId: bobId, banned: false });
  await nodes[0]!.tell(removed);
  const edited = backend.append(chatId, "message.edited", { messageId: uuid(), seq: 1, text: "secret", mentions: [], data: {} });
  backend.hiddenFrom.set(`${chatId}:${edited.rev}`, [bobId]);
  const added = backend.append(chatId, "member.added", { members: [{ userId: bobId, role: "member" }], inviteId: null });
  await nodes[0]!.tell(edited, added);
  await eventually(() => [ann, ...bob].every(({ revs }) => revs(chatId).includes(added.rev)));
  expect(ann.revs(chatId)).toContain(edited.rev);
  for (const socket of bob) expect(socket.revs(chatId)).not.toContain(edited.rev);
});
