/* One chat as a node has it at hand. */
import { isChange } from "./changes.ts";
import { fold, type ChatState } from "./fold.ts";
import { weighEntry, weighState } from "./snapshots.ts";
import type { StoredEntry } from "./store/documents.ts";

/** Milliseconds that changes of messages stay among the recent entries after they were stored, for decisions that began before. */
const recentFor = 15_000;

export interface Warm {
  state: ChatState;
  /** What the state comes to as JSON, when it was last looked at. */
  weight: number;
  /** Projections are stored up to here. */
  projectedRev: number;
  projecting?: Promise<void>;
  /** Up to where changes of messages go from the recent entries, at the first round after that time. */
  forget?: { rev: number; at: number } | undefined;
  /** What the entries come to that were folded here. */
  grown: number;
  /** The same when the state was kept, and its rev then. */
  keptGrown: number;
  keptRev: number;
  /** A reading of the log that is under way, and the one that those wait for who came after it began. */
  reading?: Promise<void> | undefined;
  next?: Promise<void> | undefined;
}

/** A chat whose state is all that there is: restored from the store, or empty. */
export const startFrom = (state: ChatState): Warm => ({
  state,
  weight: weighState(state),
  projectedRev: state.rev,
  grown: 0,
  keptGrown: 0,
  keptRev: state.rev,
});

export function advance(warm: Warm, entry: StoredEntry): void {
  if (entry.rev > warm.state.rev) warm.grown += weighEntry(entry);
  fold(warm.state, entry);
}

/** The last entry that is in a restored state: where it is a message, it is the last one. */
export function rememberLast(state: ChatState, last: StoredEntry | undefined): void {
  if (last?.type === "message.sent" && state.lastMessage === undefined && !state.deleted) state.lastMessage = last;
}

/** Lets go of all recent entries whose projections are stored. */
export function letGo({ state, projectedRev }: Warm): void {
  state.recent = state.recent.filter((entry) => entry.rev > projectedRev);
  state.recentFrom = projectedRev;
}

/** Lets go of recent entries that nobody needs any more. */
export function forget(warm: Warm, now: number): void {
  const { state, projectedRev } = warm;
  if (warm.forget && warm.forget.at <= now) {
    state.recentFrom = warm.forget.rev;
    warm.forget = undefined;
  }
  state.recent = state.recent.filter((entry) => entry.rev > projectedRev || (entry.rev > state.recentFrom && isChange(entry)));
  if (!warm.forget && state.recent.length > 0) warm.forget = { rev: projectedRev, at: now + recentFor };
}
