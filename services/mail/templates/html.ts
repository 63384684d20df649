import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Block, Foot, Letter } from "./letter.ts";

/** Text, and what is to be filled in between: at the odd places the names of it. */
type Part = string[];

/*
 * Read and cut once; a mail is these strings and its own, one after another. What people wrote never passes through a
 * template language, so that there is nothing in it that one could take for its own.
 */
const { page, parts } = readLayout(readFileSync(join(import.meta.dirname, "layout.html"), "utf8"));

/** `sender`: who the mail is from, as its head says. */
export function renderHtml({ subject, heading = subject, blocks, foot }: Letter, language: string, sender: string): string {
  const first = blocks.find((block) => block.kind === "paragraph");
  return fill(page, {
    language,
    subject: escapeHtml(subject),
    preview: escapeHtml(first?.text ?? subject),
    sender: escapeHtml(sender),
    heading: escapeHtml(heading),
    blocks: blocks.map(presentBlock).join("\n"),
    foot: foot.map(presentFoot).join("\n"),
  });
}

function presentBlock(block: Block): string {
  if (block.kind !== "facts") return presentPart(block);
  const facts = block.facts.map(([label, value]) => presentPart({ kind: "fact", label, value }));
  return fill(partOf("facts"), { facts: facts.join("\n") });
}

const presentFoot = (foot: Foot) => presentPart(foot);

/** A part whose every word is plain text. */
function presentPart({ kind, ...words }: { kind: string } & Record<string, string>): string {
  const escaped = Object.entries(words).map(([name, word]) => [name, escapeHtml(word).replaceAll("\n", "<br>")]);
  return fill(partOf(kind), Object.fromEntries(escaped) as Record<string, string>);
}

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
export const escapeHtml = (given: string) => given.replace(/[&<>"']/g, (sign) => entities[sign]!);

function partOf(kind: string): Part {
  const part = parts.get(kind);
  if (!part) throw new Error(`the layout has no part ${kind}`);
  return part;
}

function fill(part: Part, words: Record<string, string>): string {
  return part
    .map((piece, at) => {
      if (at % 2 === 0) return piece;
      const word = words[piece];
      if (word === undefined) throw new Error(`nothing is given for [[${piece}]]`);
      return word;
    })
    .join("");
}

function readLayout(html: string): { page: Part; parts: Map<string, Part> } {
  const cutUp = (piece: string) => piece.split(/\[\[(\w+)\]\]/);
  const parts = new Map<string, Part>();
  const page = html.replace(/<!--begin (\w+)-->\n?([^]*?)\n?<!--end \1-->\n?/g, (_all, kind: string, part: string) => {
    parts.set(kind, cutUp(part));
    return "";
  });
  return { page: cutUp(page), parts };
}
