// What is done to a chat beside sending: edits, reactions and receipts, each waited for, and heard by everybody whom it concerns.

import { randomUUID } from "node:crypto";
import type { Result } from "@confab/contracts";
import { inParallel, type BenchSocket } from "./client.ts";
import { tally, type Tally } from "./measure.ts";
import type { Crowd } from "./people.ts";

type Sent = Result<"chat.message.send">["message"];

/** A message takes a hundred edits; the sends between are not counted. */
const editsEach = 90;

/** Of every pair one edits a message again and again, and waits for the answer before the next time. */
export async function editInPairs({ server, pairs }: Crowd, sockets: BenchSocket[], seconds: number): Promise<Tally> {
  const messages = await inParallel(pairs.length, 8, (pair) => sendOne(sockets[2 * pair]!, pairs[pair]!));
  const counts = messages.map(() => 0);
  return untilOver(server, seconds, pairs.length, async (pair) => {
    const edits = ++counts[pair]!;
    if (edits % editsEach === 0) messages[pair] = await sendOne(sockets[2 * pair]!, pairs[pair]!);
    const messageId = messages[pair]!.id;
    await sockets[2 * pair]!.ask("message:edit", { chatId: pairs[pair], messageId, text: `edit ${edits}` });
  });
}

const reactors = 16;

/** Some members of a group react to one message and take it back, each waiting for the answer; all members hear of each. */
export async function reactInGroup({ server, groups }: Crowd, sockets: BenchSocket[], seconds: number): Promise<Tally> {
  const chatId = groups.get(sockets.length)!;
  const { id: messageId } = await sendOne(sockets[0]!, chatId);
  const on = new Set<number>();
  return untilOver(server, seconds, reactors, async (at) => {
    const event = on.has(at) ? "message:unreact" : "message:react";
    await sockets[at]!.ask(event, { chatId, messageId, emoji: "👍" });
    if (!on.delete(at)) on.add(at);
  });
}

/** All members of a group say that they have read a new message, again and again; all hear of each. */
export async function receiptsInGroup({ server, groups }: Crowd, sockets: BenchSocket[], seconds: number): Promise<Tally> {
  const chatId = groups.get(sockets.length)!;
  return tally(server, async () => {
    const waits: number[] = [];
    for (const end = performance.now() + seconds * 1000; performance.now() < end;) {
      const { seq } = await sendOne(sockets[0]!, chatId);
      await Promise.all(
        sockets.map(async (socket) => {
          const began = performance.now();
          await socket.ask("receipts", { read: { [chatId]: seq } });
          waits.push(performance.now() - began);
        }),
      );
    }
    return { done: waits.length, waits };
  });
}

async function sendOne(socket: BenchSocket, chatId: string): Promise<Sent> {
  const frame = await socket.ask("message:send", { chatId, clientMessageId: randomUUID(), text: "as it was sent" });
  const [{ data }] = JSON.parse(frame.slice(frame.indexOf("["))) as [{ data: { message: Sent } }];
  return data.message;
}

/** So many do something at once until the time is over, each again when it is done. */
function untilOver(server: Crowd["server"], seconds: number, count: number, act: (at: number) => Promise<void>): Promise<Tally> {
  return tally(server, async () => {
    const waits: number[] = [];
    const end = performance.now() + seconds * 1000;
    await inParallel(count, count, async (at) => {
      for (let now = performance.now(); now < end;) {
        await act(at);
        waits.push(-now + (now = performance.now()));
      }
    });
    return { done: waits.length, waits };
  });
}
