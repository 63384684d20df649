/* Which messages mention somebody. Pure: entries go in, the numbers of the latest ones come out. */
import type { Mentions } from "@confab/contracts";
import type { StoredEntry } from "./store/documents.ts";
import type { StoredMentions } from "./store/projections.ts";

/** How many are remembered for each member, and how many are counted at most. */
export const maxMentions = 50;

/** Stands for every member. */
export const everybody = "all";

/** Whom a message mentions: ids, or `all`. */
export const mentionedBy = (mentions: Mentions | undefined): readonly string[] =>
  mentions === everybody ? [everybody] : (mentions ?? []);

export const concernsMentions = ({ type }: StoredEntry): boolean =>
  type === "message.sent" || type === "message.edited" || type === "message.deleted";

type Known = Pick<StoredMentions, "rev" | "seqs">;

export const noMentions: Known = { rev: 0, seqs: [] };

/** The mentions of one of them with one more entry; one that is in it already, or says nothing new, changes nothing. */
export function mentionsAfter<K extends Known>(known: K, whom: string, entry: StoredEntry): K {
  if (entry.rev <= known.rev) return known;
  const place = placeIn(entry);
  if (!place || known.seqs.includes(place.seq) === place.mentions.includes(whom)) return known;
  const others = known.seqs.filter((seq) => seq !== place.seq);
  const seqs = place.mentions.includes(whom) ? [...others, place.seq].sort((a, b) => a - b).slice(-maxMentions) : others;
  return { ...known, rev: entry.rev, seqs };
}

function placeIn(entry: StoredEntry): { seq: number; mentions: readonly string[] } | undefined {
  switch (entry.type) {
    case "message.sent":
      return { seq: entry.seq, mentions: mentionedBy(entry.body.mentions) };
    case "message.edited":
      return { seq: entry.body.seq, mentions: mentionedBy(entry.body.mentions) };
    case "message.deleted":
      return { seq: entry.body.seq, mentions: [] };
    default:
      return undefined;
  }
}
