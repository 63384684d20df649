import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const here = import.meta.dirname;
const require = createRequire(join(here, "layout.generate.ts"));

/** layout.html: what MJML makes of layout.mjml. What sends mails needs no MJML. */
export async function renderLayout(): Promise<string> {
  // Both are CommonJS without types.
  const { default: mjml } = require("mjml-core") as {
    default: (source: string, options: object) => Promise<{ html: string; errors: { formattedMessage: string }[] }>;
  };
  const source = readFileSync(join(here, "layout.mjml"), "utf8");
  // By itself MJML links a font that it knows from elsewhere: nothing is loaded when somebody reads their mails.
  const { html, errors } = await mjml(source, { presets: [require("mjml-preset-core")], fonts: {} });
  if (errors.length > 0) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join("\n"));
  const lines = html.split("\n").map((line) => line.trim());
  return `${lines.filter(Boolean).join("\n")}\n`;
}
