/** What a mail says, whoever sends it. */
export interface Content {
  subject: string;
  text: string;
  html: string;
}

/** One part of a mail, of which text and HTML are both made. */
export type Block = { paragraph: string } | { code: string };

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

export const escapeHtml = (given: string) => given.replace(/[&<>"']/g, (character) => entities[character]!);

const codeStyle = "margin:24px 0;font:700 32px/1.2 ui-monospace,Menlo,Consolas,monospace;letter-spacing:6px";
const bodyStyle = "max-width:480px;margin:0 auto;padding:24px;font:16px/1.5 system-ui,-apple-system,Segoe UI,Roboto,sans-serif";

/** Text and HTML from one source, so that they say the same. Blocks hold plain text; it is escaped here. */
export function compose(subject: string, blocks: readonly Block[]): Content {
  const text = blocks.map((block) => ("code" in block ? block.code : block.paragraph));
  const html = blocks.map((block) =>
    "code" in block ? `<p style="${codeStyle}">${escapeHtml(block.code)}</p>` : `<p>${escapeHtml(block.paragraph)}</p>`,
  );
  return {
    subject,
    text: `${text.join("\n\n")}\n`,
    html: [
      "<!doctype html>",
      `<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">`,
      `<meta name="color-scheme" content="light dark"><title>${escapeHtml(subject)}</title></head>`,
      `<body style="${bodyStyle}">`,
      ...html,
      "</body></html>",
      "",
    ].join("\n"),
  };
}
