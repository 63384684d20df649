import type { UserRole } from "@confab/contracts";
import { mailsIndex, type Mailing } from "@confab/mixins/outbox.ts";
import type { StoredAllowance } from "@confab/mixins/store/allowances.ts";
import { collection } from "@confab/mixins/store/collection.ts";

export interface StoredUser extends Mailing {
  _id: string;
  /** In its normal form. */
  email?: string;
  emailVerified?: boolean;
  /** The host's name of the user. */
  externalId?: string;
  name: string;
  /** The name as it is searched; an erased account has none. */
  nameKey?: string;
  /** The host's JSON object, as text: databases are particular about field names. */
  data?: string;
  avatarId?: string;
  createdAt: number;
  role?: UserRole;
  /** In PHC form, which names its parameters. */
  passwordHash?: string;
  /** The secret of the second factor, in base32; `totpPending` is one that no code has confirmed. */
  totpSecret?: string;
  totpPending?: string;
  /** The last step whose code was taken. */
  totpStep?: number;
  /**
   * Sessions of another epoch are dead, all but the one that is kept. So one write ends them all, those that are
   * just being started among them (G6).
   */
  epoch?: number;
  keptSession?: string;
  ban?: { reason: string; at: number; until?: number };
  /** When the account is to be erased, unless somebody signs in before. */
  eraseAt?: number;
  /** Whether the erasure has begun: from here on nobody signs in. */
  erasing?: true;
  erasedAt?: number;
  /** Counts the changes of the profile. */
  version?: number;
  /** Whether the user's own log may lack the last change. */
  untold?: true;
}

/** Of an account that stays: to one that is being erased, or was, nothing is written any more that says who it is. */
export const staying = { erasing: { $exists: false }, erasedAt: { $exists: false } } as const;

/** What a mailed code is for. */
export type FlowPurpose = "code" | "register" | "reset" | "email";

/** A mailed code on its way back. */
export interface StoredFlow extends Mailing {
  _id: string;
  /** Left out: to sign in. */
  purpose?: FlowPurpose;
  email: string;
  codeHash: string;
  tries: number;
  expiresAt: number;
  usedAt?: number;
  /** Whose address is to change. */
  userId?: string;
  /** What the new account is to have. */
  name?: string;
  passwordHash?: string;
  /** Whether no code is good for it: it answers like any other, and that is all. */
  void?: true;
}

export interface StoredSession extends Mailing {
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
  /** The user's when it was started. */
  epoch: number;
  /** When its user last proved to be there: by signing in, or by the password once more. */
  confirmedAt?: number;
}

/** A place that an account was signed in from: guesses of strangers do not use up what is allowed from there. */
export interface StoredPlace {
  /** A hash of account and address. */
  _id: string;
  userId: string;
  seenAt: number;
}

/** A recovery code: its removal is its use. */
export interface StoredRecoveryCode {
  /** `userId:hash`. */
  _id: string;
  userId: string;
}

export const users = collection<StoredUser>("users", [
  {
    name: "email",
    fields: ["email"],
    unique: true,
    sparse: true,
    carries: "One account for an address, also when two nodes sign it up at once.",
  },
  { name: "externalId", fields: ["externalId"], unique: true, sparse: true, carries: "One user for a name of the host's." },
  { name: "nameKey", fields: ["nameKey", "_id"], sparse: true, carries: "Finding people by the beginning of their name." },
  { name: "eraseAt", fields: ["eraseAt"], sparse: true, carries: "Accounts whose erasure is due, or under way." },
  { name: "untold", fields: ["untold"], sparse: true, carries: "Changes of profiles that their users' logs may lack." },
  mailsIndex,
]);

export const flows = collection<StoredFlow>("flows", [
  { name: "userId", fields: ["userId"], sparse: true, carries: "Erasing them with their account." },
  { name: "email", fields: ["email"], sparse: true, carries: "Erasing them with the account of their address." },
  { name: "expiresAt", fields: ["expiresAt"], carries: "Removing what has expired." },
  mailsIndex,
]);

/** Its _id alone carries the limit: there are only so many to take, on however many nodes. */
export const allowances = collection<StoredAllowance>("allowances", [
  { name: "takenAt", fields: ["takenAt"], carries: "Removing what is free again." },
]);

export const sessions = collection<StoredSession>("sessions", [
  { name: "userId", fields: ["userId"], carries: "A user's sessions." },
  { name: "lastUsedAt", fields: ["lastUsedAt"], carries: "Removing what lay idle too long." },
  { name: "endedAt", fields: ["endedAt"], sparse: true, carries: "Removing what has ended." },
  mailsIndex,
]);

export const places = collection<StoredPlace>("places", [
  { name: "userId", fields: ["userId"], carries: "Erasing them with their account." },
  { name: "seenAt", fields: ["seenAt"], carries: "Removing what is long ago." },
]);

export const recoveryCodes = collection<StoredRecoveryCode>("recoveryCodes", [
  { name: "userId", fields: ["userId"], carries: "Replacing a user's codes." },
]);
