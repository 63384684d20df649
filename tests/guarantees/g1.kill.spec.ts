import type { Message } from "@confab/contracts";
import { expectDense, Ledger } from "../support/ledger.ts";
import { seededRandom } from "../support/random.ts";
import { NoAnswer, Refused } from "../support/refusal.ts";
import { newName, type TestUser } from "../support/user.ts";
import { pause } from "../support/wait.ts";
import { describeWorlds, type World } from "../support/world.ts";

const rounds = 5;
const writers = 6;

// Embedded the whole process is killed, in the cluster one of two chat nodes, each in turn.
describeWorlds("G1: kill -9 under load", { size: { chat: 2, io: 1, api: 2 } }, (open) => {
  let world: World;

  beforeAll(async () => (world = await open()));
  afterAll(() => world?.stop());

  test("nothing acknowledged is missing, doubled or moved; what was not, and is sent again, arrives once", async () => {
    const random = seededRandom();
    const people = await Promise.all(Array.from({ length: writers }, (_, at) => world.user(`writer-${at}`)));
    const chat = await people[0]!.chatWith(...people.slice(1));
    const ledger = new Ledger();
    const outcome: Outcome = { sent: 0, interrupted: 0, longest: 0 };
    // Half of them by REST, half by sockets that are opened once and come back by themselves.
    const doors = await Promise.all(people.map((person, at) => openDoor(person.at(at), chat, at % 2 === 0)));

    for (let round = 0; round < rounds; round++) {
      let loading = true;
      const load = doors.map(async (send) => {
        while (loading) ledger.note(await sendUntilAcknowledged(send, outcome));
      });
      const strike = async () => {
        await pause(200 + random() * 500);
        const before = ledger.size;
        const { pid } = world.node("chat", round);
        await world.kill("chat", "SIGKILL", round);
        await world.revive("chat", round);
        expect(world.node("chat", round).pid).not.toBe(pid);
        expect(before).toBeGreaterThan(0);
        await pause(200);
      };
      await Promise.all([strike().finally(() => (loading = false)), ...load]);
      expectDense(await ledger.compareWith(chat, people[round % writers]!));
    }

    const log = await ledger.compareWith(chat, people[0]!, people[1]!.at(1));
    // Every send was acknowledged in the end, and is there once: nothing else is.
    expect(ledger.size).toBe(outcome.sent);
    expect(log).toHaveLength(outcome.sent + 1);
    expect(outcome.interrupted).toBeGreaterThan(0);
    // G7: nobody waits longer than this for an answer, be it a 503.
    expect(outcome.longest).toBeLessThan(10_000);
    console.log(
      `${world.kind}: ${rounds} kills, ${outcome.sent} messages, ${outcome.interrupted} sends interrupted, the longest wait ${outcome.longest} ms`,
    );
  });
});

interface Outcome {
  sent: number;
  interrupted: number;
  longest: number;
}

type Send = (text: string, name: string) => Promise<Message>;

async function openDoor(person: TestUser, chat: { id: string }, byRest: boolean): Promise<Send> {
  if (byRest) return (text, name) => person.send(chat, text, name);
  const socket = await person.socket();
  return async (text, name) => (await socket.call("chat.message.send", { chatId: chat.id, clientMessageId: name, text })).message;
}

/** Sends one message, again and again under its name, until it is acknowledged. */
async function sendUntilAcknowledged(send: Send, outcome: Outcome): Promise<Message> {
  const name = newName();
  for (;;) {
    const began = Date.now();
    try {
      const message = await send(`words of ${name}`, name);
      outcome.sent++;
      return message;
    } catch (error) {
      const mayRepeat = error instanceof NoAnswer || (error instanceof Refused && error.code === "unavailable");
      if (!mayRepeat) throw error;
      outcome.interrupted++;
      await pause(100);
    } finally {
      outcome.longest = Math.max(outcome.longest, Date.now() - began);
    }
  }
}
