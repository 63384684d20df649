import type { Block, Foot, Letter } from "./letter.ts";

const width = 72;

/** The mail for whoever reads no HTML. */
export function renderText({ subject, heading = subject, blocks, foot }: Letter): string {
  const parts = [wrap(heading), ...blocks.map(presentBlock), `-- \n${foot.map(presentFoot).join("\n\n")}`];
  return `${parts.join("\n\n")}\n`;
}

function presentBlock(block: Block): string {
  switch (block.kind) {
    case "paragraph":
      return wrap(block.text);
    case "code":
      return block.code;
    case "button":
      return `${wrap(`${block.label}:`)}\n${block.url}`;
    case "facts":
      return block.facts.map(([label, value]) => wrap(`${label}: ${value}`)).join("\n");
    case "chat":
      return `${wrap(block.title)}\n${wrap(block.count)}`;
    case "message": {
      const head = [block.name, block.when, block.mention].filter(Boolean).join(", ");
      return wrap(`${head}:\n${block.text}`, "  ");
    }
  }
}

const presentFoot = (foot: Foot) => (foot.kind === "note" ? wrap(foot.text) : `${wrap(`${foot.label}:`)}\n${foot.url}`);

/** Breaks lines between words alone, so that a link or a code is never broken. */
function wrap(given: string, indent = ""): string {
  return given
    .split("\n")
    .flatMap((line) => {
      const lines: string[] = [];
      let current = "";
      for (const word of line.split(" ")) {
        if (current && indent.length + current.length + 1 + word.length > width) {
          lines.push(current);
          current = word;
        } else current = current ? `${current} ${word}` : word;
      }
      return [...lines, current];
    })
    .map((line) => (line ? indent + line : ""))
    .join("\n");
}
