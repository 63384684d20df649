import { collection } from "@confab/mixins/store/collection.ts";

export interface StoredUser {
  _id: string;
  /** In its normal form. */
  email?: string;
  name: string;
  createdAt: number;
  /** Counts the changes of the profile. */
  version?: number;
  /** Whether the user's own log may lack the last change. */
  untold?: true;
}

/** A mailed code on its way back. */
export interface StoredFlow {
  _id: string;
  email: string;
  codeHash: string;
  tries: number;
  expiresAt: number;
  usedAt?: number;
}

/** One of the codes that an address may get within an hour: `address#0`, `address#1` … */
export interface StoredAllowance {
  _id: string;
  takenAt: number;
}

export interface StoredSession {
  _id: string;
  userId: string;
  /** Goes into the making of this session's refresh tokens. */
  nonce: string;
  /** Which refresh token is the current one, and its hash. */
  generation: number;
  tokenHash: string;
  rotatedAt: number;
  device: string;
  address: string;
  createdAt: number;
  lastUsedAt: number;
  endedAt?: number;
}

export const users = collection<StoredUser>("users", [
  {
    name: "email",
    fields: ["email"],
    unique: true,
    sparse: true,
    carries: "One account for an address, also when two nodes sign it up at once.",
  },
  { name: "untold", fields: ["untold"], sparse: true, carries: "Changes of profiles that their users' logs may lack." },
]);

export const flows = collection<StoredFlow>("flows", [
  { name: "expiresAt", fields: ["expiresAt"], carries: "Removing what has expired." },
]);

/** Its _id alone carries the limit: there are only so many to take, on however many nodes. */
export const allowances = collection<StoredAllowance>("allowances", [
  { name: "takenAt", fields: ["takenAt"], carries: "Removing what is free again." },
]);

export const sessions = collection<StoredSession>("sessions", [
  { name: "lastUsedAt", fields: ["lastUsedAt"], carries: "Removing what lay idle too long." },
  { name: "endedAt", fields: ["endedAt"], sparse: true, carries: "Removing what has ended." },
]);
