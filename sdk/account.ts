/* What is known of one's own log. Pure. What it says of chats is in state.ts. */
import type { Preferences, UserEntry } from "@confab/contracts";

export interface Account {
  /** Everything up to here has been applied. */
  readonly userRev: number;
  readonly blocks: ReadonlySet<string>;
  readonly preferences: Preferences | null;
}

export const noAccount: Account = { userRev: 0, blocks: new Set(), preferences: null };

/** The account after one more entry, which is known to be the next. */
export function applyOwn(account: Account, entry: UserEntry): Account {
  const next = { ...account, userRev: entry.userRev };
  switch (entry.type) {
    case "block.changed": {
      const blocks = new Set(account.blocks);
      if (entry.data.blocked) blocks.add(entry.data.userId);
      else blocks.delete(entry.data.userId);
      return { ...next, blocks };
    }
    case "preferences.changed":
      return { ...next, preferences: entry.data };
    default:
      return next;
  }
}
