import { isDeepStrictEqual } from "node:util";
import { between, pick } from "../../support/random.ts";
import { Replica } from "../../support/replica.ts";
import type { TestSocket } from "../../support/socket.ts";
import { pause } from "../../support/wait.ts";
import type { Asker } from "./asker.ts";
import type { Sight } from "./sight.ts";

/** A client that keeps its state by catching up, now and then or led by a socket. */
export class Device {
  readonly replica: Replica;
  readonly #asker: Asker;
  readonly #sight: Sight;
  readonly #socket: TestSocket | undefined;
  #heard = 0;

  constructor(asker: Asker, sight: Sight, socket?: TestSocket) {
    this.replica = new Replica(asker.id);
    this.#asker = asker;
    this.#sight = sight;
    this.#socket = socket;
  }

  /** Syncs at its own pace, a page at a time: between two pages the chats go on. */
  async wander(goesOn: () => boolean): Promise<void> {
    const { random } = this.#asker;
    while (goesOn()) {
      const more = await this.#page(pick(random, [1, 4, 30, 300]));
      await pause(more ? between(random, 0, 60) : between(random, 50, 1500));
    }
  }

  /** Takes what the socket says, and syncs where that leaves a gap, or after the connection was lost. */
  async listen(goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      let behind = false;
      for (const { heard } = this.#socket!; this.#heard < heard.length;) {
        const one = heard[this.#heard++]!;
        if (one.event === "chat:entry") behind ||= this.replica.receive(one.payload) === "gap";
        else if (one.event === "user:entry") this.replica.receiveOwn(one.payload);
        else if (one.event === "ready") behind = true;
      }
      if (behind) await this.catchUp();
      await pause(20);
    }
  }

  async catchUp(): Promise<void> {
    while (await this.#page(pick(this.#asker.random, [2, 20, 500])));
  }

  async #page(limit: number): Promise<boolean> {
    const { result, refused } = await this.#asker.ask("chat.sync.pull", { ...this.replica.known(), limit });
    if (refused) this.#sight.blame(`G4: a sync was refused: ${refused}`);
    try {
      if (result) this.replica.merge(result);
    } catch (error) {
      this.#sight.blame(`G4: ${(error as Error).message}`);
    }
    return result?.more ?? false;
  }
}

/** Where a state that was kept up step by step is another one than a fresh one. */
export function differences(kept: Replica, fresh: Replica): string[] {
  const faults: string[] = [];
  const differ = (what: string, one: unknown, other: unknown) => {
    if (!isDeepStrictEqual(one, other)) faults.push(`${what}: kept ${JSON.stringify(one)}, fresh ${JSON.stringify(other)}`);
  };
  const ids = (replica: Replica) => [...replica.chats.keys()].sort();
  differ("the chats", ids(kept), ids(fresh));
  for (const [chatId, held] of kept.chats) {
    const anew = fresh.chats.get(chatId);
    if (!anew) continue;
    const chat = `chat ${chatId.slice(-6)}`;
    differ(`${chat} rev`, held.rev, anew.rev);
    for (const field of Object.keys(anew.chat) as (keyof typeof anew.chat)[])
      // How many mentions are unread no client can count that has not all unread messages at hand.
      if (field !== "unreadMentions") differ(`${chat} ${field}`, held.chat[field], anew.chat[field]);
    // How many of the newest messages a client holds that started anew hangs on the room that there was in the answer.
    const count = Math.min(held.messages.length, anew.messages.length);
    if (anew.messages.length > 0 && count === 0) faults.push(`${chat} has lost its messages`);
    const theirs = anew.messages.slice(-count || Infinity);
    held.messages
      .slice(-count || Infinity)
      .forEach((message, at) => differ(`${chat} message ${message.seq}`, message, theirs[at]));
  }
  differ("userRev", kept.userRev, fresh.userRev);
  const subjects = ({ own }: Replica) => [...own].sort(([one], [other]) => (one < other ? -1 : 1));
  differ("the own log", subjects(kept), subjects(fresh));
  return faults;
}
