import type { Mentions } from "@confab/contracts";

/** Names in a text that stand for people, by name. */
export type Named = Readonly<Record<string, string>>;

const escape = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const holds = (text: string, name: string) => new RegExp(`(^|\\s)@${escape(name)}(?![\\p{L}\\p{N}])`, "u").test(text);

/** The server takes no more. */
const most = 100;

/** Whom a text names, of those that were chosen while writing it. */
export function mentionsIn(text: string, named: Named): Mentions {
  if (named["all"] && holds(text, "all")) return "all";
  const ids = Object.entries(named).filter(([name]) => holds(text, name));
  return [...new Set(ids.map(([, id]) => id))].slice(0, most);
}
