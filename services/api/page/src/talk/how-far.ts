import type { ChatState } from "@confab/sdk";

export type Tick = "sent" | "delivered" | "read";

/** Up to which message all the others have come. Who does not tell keeps a group from being read by all. */
export interface HowFar {
  read: number;
  delivered: number;
}

export function howFar({ chat, receipts }: ChatState, myId: string): HowFar {
  const others = [...receipts.values()].filter(({ userId }) => userId !== myId);
  // Who has not moved at all is not told of.
  if (others.length === 0 || others.length < chat.memberCount - 1) return { read: 0, delivered: 0 };
  return {
    read: Math.min(...others.map(({ readSeq }) => readSeq ?? 0)),
    delivered: Math.min(...others.map(({ deliveredSeq }) => deliveredSeq)),
  };
}

export const tickOf = ({ read, delivered }: HowFar, seq: number): Tick =>
  seq <= read ? "read" : seq <= delivered ? "delivered" : "sent";

/** Who has read a message of somebody else's, of those who tell. */
export const readersOf = ({ receipts }: Pick<ChatState, "receipts">, senderId: string, seq: number): string[] =>
  [...receipts.values()]
    .filter(({ userId, readSeq }) => userId !== senderId && readSeq !== null && readSeq >= seq)
    .map(({ userId }) => userId);
