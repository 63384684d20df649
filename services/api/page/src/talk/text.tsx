import type { Mentions } from "@confab/contracts";
import { useNames } from "../people.ts";
import { useTalk } from "./context.ts";

const link = /https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g;
const escape = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** What a message says, with its links to follow and those whom it names made out. */
export function Text({ text, mentions }: { text: string; mentions: Mentions }) {
  const talk = useTalk();
  const ids = mentions === "all" ? [] : mentions;
  const nameOf = useNames(ids);
  const named = new Map(ids.map((id) => [nameOf(id), id]));
  const names = mentions === "all" ? ["all"] : [...named.keys()].filter((name) => name !== undefined);
  return <span class="text">{cut(text, link, followed, (rest) => cutNames(rest))}</span>;

  function cutNames(rest: string) {
    if (names.length === 0) return [rest];
    const pattern = new RegExp(
      names
        .sort((a, b) => b.length - a.length)
        .map((name) => `@${escape(name)}`)
        .join("|"),
      "g",
    );
    return cut(rest, pattern, (found, key) => {
      const mine = mentions === "all" || named.get(found.slice(1)) === talk.me.id;
      return (
        <b key={key} class={`mention ${mine ? "of-me" : ""}`}>
          {found}
        </b>
      );
    });
  }
}

const followed = (href: string, key: number) => (
  <a key={key} href={href} target="_blank" rel="noopener noreferrer">
    {href}
  </a>
);

type Part = preact.JSX.Element | string;

function cut(
  text: string,
  pattern: RegExp,
  found: (part: string, key: number) => Part,
  between: (part: string) => Part[] = (part) => [part],
): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    parts.push(...between(text.slice(at, match.index)), found(match[0], match.index));
    at = match.index + match[0].length;
  }
  return [...parts, ...between(text.slice(at))];
}
