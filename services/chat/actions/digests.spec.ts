import type { Message, Params } from "@confab/contracts";
import { v7 as uuid } from "uuid";
import { scanMessages } from "../digests.ts";
import { later, outcome, passTime, times, upTo, useNodes, users } from "../testing.ts";

const nodes = useNodes();
afterEach(() => jest.restoreAllMocks());

const ask = <N extends "chat.digest.scan" | "chat.digest.read">(name: N, params: Params<N>) => nodes.as(uuid(), name, params);
const justBefore = () => uuid({ msecs: Date.now(), seq: 0, random: new Uint8Array(16) });
/** From a time that no other test has written in. */
const scan = (after: string, more: Partial<Params<"chat.digest.scan">> = {}) =>
  ask("chat.digest.scan", { after, limit: 1000, ...more });
const read = (userId: string, told: Record<string, number> = {}, more: Partial<Params<"chat.digest.read">> = {}) =>
  ask("chat.digest.read", { userId, told, ...more });
const only = async (userId: string, told: Record<string, number> = {}) => {
  const { chats } = await read(userId, told);
  expect(chats).toHaveLength(1);
  return chats[0]!;
};
const sorted = (ids: readonly string[]) => [...ids].sort();

async function itemOf(after: string, chatId: string) {
  const { items } = await scan(after);
  return items.find((item) => item.chatId === chatId);
}

beforeEach(async () => {
  // Ids are of milliseconds: what came before this test is of an earlier one.
  const { now, done } = later();
  setTimeout(now, 2);
  await done;
});

describe("a scan", () => {
  test("tells of each chat that has gone on whom that may concern, and how far it looked", async () => {
    const [ann, bob, carl, dora] = users(4) as [string, string, string, string];
    const group = await nodes.group([ann, bob, carl, dora]);
    const direct = await nodes.direct(ann, bob);
    const after = justBefore();
    await nodes.send(ann, group.id, "one");
    await nodes.send(carl, group.id, "two", { mentions: [bob] });
    const last = await nodes.send(bob, direct.id);
    const { items, last: scanned } = await scan(after);
    expect(scanned).toBe(last.id);
    expect(items.map(({ chatId }) => chatId)).toEqual([group.id, direct.id]);
    const [ofGroup, ofDirect] = items as [(typeof items)[0], (typeof items)[0]];
    // Whoever wrote last has read all that was before.
    expect({ ...ofGroup, userIds: sorted(ofGroup.userIds) }).toMatchObject({
      ...{ seq: 2, userIds: sorted([ann, bob, dora]), urgentIds: [bob] },
    });
    expect(ofDirect).toMatchObject({ seq: 1, userIds: [ann], urgentIds: [ann] });
    expect(Math.abs(ofGroup.at - Date.now())).toBeLessThan(10_000);
    expect(await scan(last.id)).toMatchObject({ items: [], last: null });
  });

  test("leaves out who has read it, has muted the chat, has left, or wants no mail about such", async () => {
    const [ann, reads, mutes, leaves, never, quiet, unmutes, late] = users(8) as [string, ...string[]] & Record<number, string>;
    const group = await nodes.group([ann, reads!, mutes!, leaves!, never!, quiet!, unmutes!]);
    const change = (userId: string, change: Params<"chat.preference.change">) =>
      nodes.as(userId, "chat.preference.change", change);
    const mute = (userId: string, inMs: number) =>
      nodes.as(userId, "chat.me.change", { chatId: group.id, mutedUntil: new Date(Date.now() + inMs).toISOString() });
    await change(never!, { digest: "never" });
    await change(quiet!, { digest: "never", notifications: false });
    await Promise.all([mute(mutes!, 60_000), mute(unmutes!, -1)]);
    const after = justBefore();
    await nodes.send(ann, group.id, "one");
    await nodes.as(reads!, "chat.receipt.move", { read: { [group.id]: 1 } });
    await nodes.as(leaves!, "chat.member.remove", { chatId: group.id, userId: leaves! });
    expect((await itemOf(after, group.id))?.userIds).toEqual([unmutes]);
    await nodes.send(ann, group.id, "all of you", { mentions: "all" });
    await nodes.as(ann, "chat.member.add", { chatId: group.id, userIds: [late!] });
    const { userIds, urgentIds } = (await itemOf(after, group.id))!;
    expect(sorted(userIds)).toEqual(sorted([reads!, never!, unmutes!]));
    expect(sorted(urgentIds)).toEqual(sorted([reads!, never!, unmutes!]));
  });

  test("passes over what is known, and nothing else: also what lies before the range or was stored late", async () => {
    const [ann, bob, carl] = users(3) as [string, string, string];
    const group = await nodes.group([ann, bob, carl]);
    await nodes.send(ann, group.id, "known");
    const late = await nodes.send(ann, group.id, "stored late, under an early id", { mentions: [bob] });
    const last = await nodes.send(carl, group.id, "three");
    const known = { [group.id]: 1 };
    // The range begins after the late one: its number tells of it.
    expect(await scan(late.id, { known })).toMatchObject({ items: [{ seq: 3, urgentIds: [bob] }], last: last.id });
    expect(await scan(late.id, { known: { [group.id]: 3 } })).toMatchObject({ items: [], last: last.id });
    expect((await scan(late.id)).items).toMatchObject([{ seq: 3, urgentIds: [] }]);
  });

  test("goes on after the last message that it looked at, page by page", async () => {
    const [ann, bob] = users(2) as [string, string];
    const chats = await Promise.all(times(3, () => nodes.group([ann, bob])));
    let after = justBefore();
    for (const at of upTo(7)) await nodes.send(ann, chats[at % 3]!.id, `${at}`);
    const seen = new Map<string, number>();
    for (let pages = 0; ; pages++) {
      const page = await scan(after, { limit: 2 });
      for (const { chatId, seq } of page.items) seen.set(chatId, Math.max(seq, seen.get(chatId) ?? 0));
      if (page.last === null) {
        expect(pages).toBe(4);
        break;
      }
      after = page.last;
    }
    expect(chats.map(({ id }) => seen.get(id))).toEqual([2, 3, 2]);
  });

  test("a group of a thousand costs one range, its state and one look at its people, however much is said there", async () => {
    const node = nodes.one;
    const [ann, ...others] = users(1000) as [string, ...string[]];
    const { id: chatId } = await node.as(ann, "chat.chat.create", { type: "group", memberIds: others });
    const after = justBefore();
    for (const at of upTo(20)) await node.as(ann, "chat.message.send", { chatId, clientMessageId: uuid(), text: `${at}` });
    node.access.counts.clear();
    const { items } = await node.as(uuid(), "chat.digest.scan", { after, limit: 1000 });
    const {
      messagesAfter,
      userLogsOf,
      userSubjectsAt = 0,
      chatsBeyond,
      entriesAfter = 0,
    } = Object.fromEntries(node.access.counts);
    expect(items).toMatchObject([{ chatId, seq: 20, userIds: { length: 999 } }]);
    expect({ messagesAfter, userLogsOf, chatsBeyond }).toEqual({ messagesAfter: 1, userLogsOf: 1, chatsBeyond: 1 });
    expect(Math.max(userSubjectsAt, entriesAfter)).toBeLessThanOrEqual(2);
  });

  test("an answer is about so many people at most, or one chat, and the next one goes on from there", async () => {
    const groups = await Promise.all(times(4, () => nodes.group(users(10))));
    const after = justBefore();
    const sent: Message[] = [];
    for (const { id, createdBy } of [...groups, ...groups]) sent.push(await nodes.send(createdBy, id));
    const page = (from: string, most: number) => scanMessages(nodes.one.service, { after: from, limit: 1000 }, most);
    const first = await page(after, 25);
    expect(first.items.map(({ chatId, seq }) => [chatId, seq])).toEqual(groups.slice(0, 3).map(({ id }) => [id, 2]));
    expect(first.last).toBe(sent[2]!.id);
    expect((await page(first.last!, 1)).items.map(({ chatId }) => chatId)).toEqual([groups[3]!.id]);
  });
});

describe("what is unread", () => {
  test("is what others wrote beyond what was read or told, as it says now", async () => {
    const [ann, bob] = users(2) as [string, string];
    const { id: chatId } = await nodes.group([ann, bob], { title: "Plans" });
    const sent = [];
    for (const at of upTo(8)) sent.push(await nodes.send(ann, chatId, `message ${at}`));
    await nodes.as(bob, "chat.receipt.move", { read: { [chatId]: 1 } });
    await nodes.as(ann, "chat.message.edit", { chatId, messageId: sent[6]!.id, text: "seven", mentions: [bob] });
    await nodes.as(ann, "chat.message.delete", { chatId, messageId: sent[5]!.id });
    const { messages, ...chat } = await only(bob, { [chatId]: 2 });
    expect(chat).toMatchObject({
      ...{ chatId, type: "group", title: "Plans", readSeq: 1, fromSeq: 2, toSeq: 8, count: 5 },
      ...{ firstAt: Date.parse(sent[2]!.createdAt), urgentAt: Date.parse(sent[6]!.createdAt) },
    });
    expect(messages.map(({ text, isMention }) => [text, isMention])).toEqual([
      ...[3, 4, 5].map((at) => [`message ${at}`, false]),
      ...[["seven", true], ["message 8", false]], // prettier-ignore
    ]);
    // One's own move the pointer.
    await nodes.send(bob, chatId, "mine");
    expect((await read(bob)).chats).toEqual([]);
    expect((await read(ann)).chats).toMatchObject([{ fromSeq: 8, toSeq: 9, count: 1, urgentAt: null }]);
  });

  test("positions that tell of no more than was read, or of a chat that one has left, need not be kept", async () => {
    const [ann, bob] = users(2) as [string, string];
    const [one, two, three] = await Promise.all(times(3, () => nodes.group([ann, bob])));
    for (const { id } of [one!, two!, three!]) for (const at of upTo(3)) await nodes.send(ann, id, `${at}`);
    await nodes.as(bob, "chat.receipt.move", { read: { [two!.id]: 3 } });
    await nodes.as(bob, "chat.member.remove", { chatId: three!.id, userId: bob });
    const told = { [one!.id]: 2, [two!.id]: 3, [three!.id]: 2 };
    const answer = await read(bob, told);
    expect(answer.told).toEqual({ [one!.id]: 2 });
    expect(answer.chats).toMatchObject([{ chatId: one!.id, fromSeq: 2, toSeq: 3, count: 1 }]);
  });

  test("leaves out muted chats, and of blocked people even the number; archived ones are told of", async () => {
    const [ann, bob, eve] = users(3) as [string, string, string];
    const [muted, archived, shared] = await Promise.all(times(3, () => nodes.group([ann, bob, eve])));
    const direct = await nodes.direct(eve, bob);
    await nodes.send(eve, direct.id, "before");
    await nodes.as(bob, "chat.block.add", { userId: eve });
    const mutedUntil = new Date(Date.now() + 60_000).toISOString();
    await nodes.as(bob, "chat.me.change", { chatId: muted!.id, mutedUntil });
    await nodes.as(bob, "chat.me.change", { chatId: archived!.id, archived: true });
    await nodes.send(ann, muted!.id, "hush", { mentions: [bob] });
    await nodes.send(ann, archived!.id, "archived");
    for (const at of upTo(110)) await nodes.send(eve, shared!.id, `blocked ${at}`, { mentions: [bob] });
    expect((await read(bob)).chats).toMatchObject([{ chatId: archived!.id }]);
    await nodes.send(ann, shared!.id, "welcome");
    const { chats } = await read(bob);
    const chat = chats.find(({ chatId }) => chatId === shared!.id)!;
    expect(chat).toMatchObject({ fromSeq: 0, toSeq: 111, count: 1, urgentAt: null });
    expect(JSON.stringify(chats)).not.toContain("blocked");
    passTime(61);
    expect((await read(bob)).chats[0]).toMatchObject({ chatId: muted!.id, count: 1 });
  });

  test("G2: of the time when one was not there nothing is told, to whoever came late, or left and came back", async () => {
    const [ann, bob, carl] = users(3) as [string, string, string];
    for (const historyFrom of ["all", "join"] as const) {
      const { id: chatId } = await nodes.group([ann, bob], { historyFrom });
      await nodes.send(ann, chatId, "with bob");
      await nodes.as(ann, "chat.member.remove", { chatId, userId: bob });
      expect((await read(bob)).chats).toEqual([]);
      await nodes.send(ann, chatId, "secret", { mentions: "all" });
      await nodes.as(ann, "chat.member.add", { chatId, userIds: [bob, carl] });
      for (const userId of [bob, carl]) expect((await read(userId)).chats).toEqual([]);
      await nodes.send(ann, chatId, "to all three");
      for (const userId of [bob, carl]) {
        expect(await only(userId)).toMatchObject({ fromSeq: 2, toSeq: 3, count: 1, messages: [{ text: "to all three" }] });
        await nodes.as(userId, "chat.receipt.move", { read: { [chatId]: 3 } });
      }
    }
  });

  test("is cut: long texts, the latest few of many messages with one that mentions, and twenty chats, the urgent ones first", async () => {
    const [ann, bob] = users(2) as [string, string];
    const groups = await Promise.all(times(21, () => nodes.group([ann, bob])));
    const { id: chatId } = groups[0]!;
    await nodes.send(ann, chatId, "look", { mentions: "all" });
    for (const at of upTo(7)) await nodes.send(ann, chatId, `${"😀".repeat(400)}${at}`);
    for (const { id } of groups.slice(1, 20)) await nodes.send(ann, id, "short");
    passTime(1);
    await nodes.send(ann, groups[20]!.id, "short");
    const { chats, more } = await read(bob);
    expect(chats).toHaveLength(20);
    expect(more).toBe(1);
    expect(chats[0]).toMatchObject({ chatId, count: 8 });
    expect(chats[1]!.chatId).toBe(groups[20]!.id);
    expect(chats[0]!.messages.map(({ seq }) => seq)).toEqual([1, 5, 6, 7, 8]);
    expect([...chats[0]!.messages[1]!.text]).toHaveLength(300);
    expect(chats[0]!.messages[1]!.text).toMatch(/😀…$/);
  });

  test("of a long backlog a hundred messages are read; it is whole all the same", async () => {
    const [ann, bob] = users(2) as [string, string];
    const { id: chatId } = await nodes.direct(ann, bob);
    const sent = [];
    for (const at of upTo(150)) sent.push(await nodes.send(ann, chatId, `${at}`));
    const node = nodes.one;
    node.access.counts.clear();
    let looked = 0;
    const end = node.access.intercept("messagesBetween", async (proceed, args) => {
      looked += (args[2] as number) - (args[1] as number) + 1;
      return proceed();
    });
    const { chats } = await node.as(uuid(), "chat.digest.read", { userId: bob, told: {} });
    end();
    expect(looked).toBe(100);
    const at = Date.parse(sent[0]!.createdAt);
    expect(chats).toMatchObject([{ fromSeq: 0, toSeq: 150, count: 150, firstAt: at, urgentAt: at }]);
  });

  test("chats in which nothing was said since are passed over, and so is what was deleted", async () => {
    const [ann, bob] = users(2) as [string, string];
    const [old, fresh] = [await nodes.group([ann, bob]), await nodes.group([ann, bob])];
    await nodes.send(ann, old.id, "long ago");
    passTime(100);
    const since = Date.now() - 50_000;
    const { id: messageId } = await nodes.send(ann, fresh.id, "now");
    expect((await read(bob, {}, { since })).chats).toMatchObject([{ chatId: fresh.id }]);
    await nodes.as(ann, "chat.message.delete", { chatId: fresh.id, messageId });
    expect((await read(bob, {}, { since })).chats).toEqual([]);
  });
});

test("who unsubscribes gets no more of that kind, and of somebody erased nothing is written", async () => {
  const [ann, gone] = users(2) as [string, string];
  await nodes.as(ann, "chat.preference.change", { timeZone: "Europe/Berlin", language: "de" });
  await nodes.as(uuid(), "chat.preference.unsubscribe", { userId: ann, kind: "notification" });
  expect(await read(ann)).toMatchObject({ preferences: { notifications: false, digest: "hourly", timeZone: "Europe/Berlin" } });
  await nodes.as(uuid(), "chat.preference.unsubscribe", { userId: ann, kind: "digest" });
  expect(await read(ann)).toMatchObject({ preferences: { notifications: false, digest: "never", language: "de" } });
  while (!(await nodes.one.as(uuid(), "chat.person.erase", { userId: gone, messages: true }))["done"]);
  const { rev } = (await nodes.store.userLogOf(gone))!;
  await nodes.as(uuid(), "chat.preference.unsubscribe", { userId: gone, kind: "digest" });
  expect((await nodes.store.userLogOf(gone))!.rev).toBe(rev);
});

test("a time zone is one that is known", async () => {
  const [ann] = users(1) as [string];
  const change = (timeZone: string | null) => nodes.as(ann, "chat.preference.change", { timeZone });
  expect(await outcome(change("Mars/Olympus"))).toBe("bad_input");
  expect(await change("Asia/Kolkata")).toMatchObject({ timeZone: "Asia/Kolkata", digest: "hourly", notifications: true });
  expect(await change(null)).toMatchObject({ timeZone: null });
});
