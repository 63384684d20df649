import type { TestUser } from "../../support/user.ts";

/** A message as those know it who talk about it. */
export interface Said {
  id: string;
  seq: number;
  by: string;
  deleted: boolean;
}

/** A chat, and what those who write in it know of it. */
export interface Talk {
  readonly id: string;
  readonly isGroup: boolean;
  /** Those who stay; the first may do everything in a group, and the second all but that. */
  readonly members: readonly TestUser[];
  /** Those who come and go. */
  readonly comers: readonly TestUser[];
  /** Lets a comer in. */
  readonly code?: string;
  readonly said: Said[];
}

export const isIn = (talk: Talk, userId: string): boolean => [...talk.members, ...talk.comers].some(({ id }) => id === userId);
export const stays = (talk: Talk, userId: string): boolean => talk.members.some(({ id }) => id === userId);
export const rules = (talk: Talk, userId: string): boolean =>
  talk.members.slice(0, talk.isGroup ? 2 : undefined).some(({ id }) => id === userId);
