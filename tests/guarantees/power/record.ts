import type { Entry, Message, Params } from "@confab/contracts";
import type { TestUser } from "../../support/user.ts";

/** What a client was told, and where the journal of the disk ended when it was. A cut there or later must keep it. */
export type Told<T> = T & { position: number };

export interface Send {
  by: TestUser;
  chatId: string;
  name: string;
  text: string;
  /** Once it is acknowledged. */
  told?: Told<{ message: Message }>;
}

/** A value of a person that only grows: the last one that was acknowledged, or a later one, is there. */
export interface Growing {
  of: TestUser;
  what: "readSeq" | "mutedUntil" | "data";
  chatId: string;
  value: number;
}

/** Everything that clients asked for, were told and saw during a load. */
export class LoadRecord {
  readonly people: Told<{ user: TestUser }>[] = [];
  readonly chats: Told<{ id: string; members: TestUser[] }>[] = [];
  readonly sends: Send[] = [];
  /** Changes other than messages, by what their entries hold. */
  readonly changes: Told<{ chatId: string; key: string }>[] = [];
  /** Entries that came over a socket. */
  readonly seen: Told<{ entry: Entry }>[] = [];
  readonly growing: Told<Growing>[] = [];
  /** Codes that were asked for. */
  readonly flows: Told<{ email: string; flowId: string }>[] = [];
  /** What a device knew after a sync. */
  readonly devices: Told<{ of: TestUser; known: Params<"chat.sync.pull"> }>[] = [];

  /** What was told up to a position, as the past of a process that starts on the disk after a cut there. */
  past(position: number): LoadRecord {
    const past = new LoadRecord();
    const keep = <T extends { position: number }>(from: T[], to: T[]) => {
      for (const one of from) if (one.position <= position) to.push({ ...one, position: 0 });
    };
    keep(this.people, past.people);
    keep(this.chats, past.chats);
    keep(this.changes, past.changes);
    keep(this.seen, past.seen);
    keep(this.growing, past.growing);
    keep(this.flows, past.flows);
    keep(this.devices, past.devices);
    for (const { told, ...send } of this.sends)
      past.sends.push(told && told.position <= position ? { ...send, told: { ...told, position: 0 } } : send);
    return past;
  }
}

/** What tells a change from every other of its type. */
export function keyOf({ type, by, data }: Entry): string {
  if (type === "message.edited") return `edited ${data.messageId} ${data.text}`;
  if (type === "reaction.added") return `reaction ${data.messageId} ${data.emoji} by ${by}`;
  return type;
}
