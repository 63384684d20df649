import type { Entry, Hidden, Receipt, UserEntry } from "@confab/contracts";
import { addedBy } from "./membership.ts";
import type { IoService } from "./service.ts";
import { rooms, tellRoom } from "./sockets.ts";

/**
 * What io nodes tell each other; only where the room has sockets, of presence everywhere. May be lost.
 * G9: a node ignores the kinds that it does not know.
 */
export type NodeMessage =
  | { kind: "entries"; chatId: string; entries: ToldEntry[] }
  | { kind: "user"; userId: string; entries: UserEntry[] }
  | { kind: "join"; userIds: string[]; chatId: string; rev: number }
  | { kind: "receipt"; chatId: string; rev: number; receipt: Receipt }
  | { kind: "typing"; chatId: string; rev: number; userId: string; typing: boolean }
  | { kind: "presence"; userIds: string[] };

/** An entry with those of its chat's members who may not see its words. */
export type ToldEntry = Entry & { hiddenFrom?: string[] };

/** Puts to entries from whom their words are hidden. */
export function withHidden(entries: readonly Entry[], hidden: readonly Hidden[] = []): ToldEntry[] {
  if (hidden.length === 0) return [...entries];
  const from = new Map(hidden.map((one) => [`${one.chatId}:${one.rev}`, one.from]));
  return entries.map((entry) => {
    const hiddenFrom = from.get(`${entry.chatId}:${entry.rev}`);
    return hiddenFrom ? { ...entry, hiddenFrom } : entry;
  });
}

/** Hands entries on to every node whose sockets follow their chats, this one among them. */
export function publishEntries(service: IoService, entries: readonly ToldEntry[]): void {
  for (const [chatId, ofChat] of Map.groupBy(entries, (entry) => entry.chatId)) {
    for (const entry of ofChat) {
      const userIds = addedBy(entry);
      if (userIds.length > 0) publish(service, userIds.map(rooms.user), { kind: "join", userIds, chatId, rev: entry.rev - 1 });
    }
    publish(service, [rooms.chat(chatId)], { kind: "entries", chatId, entries: ofChat });
  }
}

/** Hands something on to every node that has sockets in these rooms, this one among them; of no room, to every node. */
export function publish(service: IoService, of: string[], message: NodeMessage): void {
  service.cluster.tell(of, message);
  take(service, message);
}

/** What a node does about what it is told. */
export function take(service: IoService, message: NodeMessage): void {
  hear(service, message).catch((err: unknown) => service.logger.warn("What a node was told was lost", err));
}

async function hear(service: IoService, message: NodeMessage): Promise<void> {
  switch (message.kind) {
    case "entries":
      return service.chats.receive(message.chatId, message.entries);
    case "user":
      return service.users.receive(message.userId, message.entries);
    case "join":
      return service.membership.bringIn(message.userIds, message.chatId, message.rev);
    case "presence":
      return service.presences.hear(message.userIds);
    // G6: what leaves no trace in the log is told only by a node that has gone on to where it was said; whoever was
    // removed before that is out by then.
    case "receipt": {
      const { chatId, rev, receipt } = message;
      if (!(await service.chats.reach(chatId, rev))) return;
      return tellRoom(service, rooms.chat(chatId), "receipt", { chatId, receipt });
    }
    case "typing": {
      const { chatId, rev, userId, typing } = message;
      if (!(await service.chats.reach(chatId, rev))) return;
      return tellRoom(service, rooms.chat(chatId), "typing", { chatId, userId, typing }, [rooms.user(userId)]);
    }
  }
}
