import { readFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { actions, languages, type InboxMail, type Result } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { compileSchema } from "@confab/mixins/validator.ts";
import { transformSync } from "esbuild";
import { Router, type Request } from "express";
import { answerJson, pathOf } from "../errors.ts";
import type { ApiService } from "../gateway.ts";
import { answerText, getOnly, redirect } from "./get-only.ts";

type Templates = Result<"mail.template.preview">["items"];

const inboxFaults = compileSchema(actions["mail.inbox.list"].params);
const templateFaults = compileSchema(actions["mail.template.preview"].params);
const [firstLanguage] = languages;

/** The mails of a development system, and how all mails look: as JSON, or as a page for people. In production there is no such address. */
export function inbox({ broker, settings }: ApiService) {
  const router = Router();
  router.use("/dev/inbox", (_req, _res, next) => next(settings.NODE_ENV === "production" ? problem("not_found") : undefined));
  router.use(
    getOnly("/dev/inbox", async (req, res) => {
      if (pathOf(req).endsWith("/")) return redirect(res, "../inbox");
      const mails = await call(broker, "mail.inbox.list", readQuery(req, "to", inboxFaults));
      answer(req, res, mails, () => presentPage("inbox", mails.items.map(presentMail)));
    }),
    getOnly("/dev/inbox/templates", async (req, res) => {
      const { language = firstLanguage } = readQuery(req, "language", templateFaults, firstLanguage);
      const templates = await call(broker, "mail.template.preview", { language });
      answer(req, res, templates, () => presentPage("templates", templates.items.map(presentTemplate)));
    }),
    getOnly("/dev/inbox/inbox.css", (_req, res) => answerText(res, "text/css", read("inbox.css"))),
    getOnly("/dev/inbox/client.js", (_req, res) => {
      answerText(res, "text/javascript", transformSync(read("client.ts"), { loader: "ts", target: "es2023" }).code);
    }),
  );
  return router;
}

/** Read each time, so that whoever works on them sees it at once. */
const read = (file: string) => readFileSync(join(import.meta.dirname, "inbox", file), "utf8");

/** One word of the query. What is wrong with it is the asker's fault, which the answer of a service could not be told from ours. */
function readQuery<N extends string, V extends string>(
  req: Request,
  name: N,
  faultsOf: ReturnType<typeof compileSchema>,
  otherwise?: V,
): { [name in N]?: V } {
  const given = new URLSearchParams(req.url.split("?")[1] ?? "").get(name) ?? otherwise;
  const params = given === undefined ? {} : { [name]: given };
  const errors = faultsOf(params);
  if (errors.length > 0) throw problem("bad_input", { errors });
  return params as { [name in N]?: V };
}

function answer(req: Request, res: ServerResponse, value: object, present: () => string): void {
  res.setHeader("Cache-Control", "no-store");
  res.setHeader("Vary", "Accept");
  if (/\btext\/html\b/.test(req.headers.accept ?? "")) answerText(res, "text/html", present());
  else answerJson(res, 200, value);
}

/** What stands in it is for whoever has no script; the script puts the same in its place, and keeps it new. */
function presentPage(source: "inbox" | "templates", articles: string[]): string {
  const isInbox = source === "inbox";
  const [here, beside] = isInbox ? ["inbox", "inbox/"] : ["../inbox", ""];
  const current = (is: boolean) => (is ? ' aria-current="page"' : "");
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${isInbox ? "Inbox" : "Templates"} – Confab</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="${beside}inbox.css">
<nav class="top"><h1>Confab</h1>
<a href="${here}"${current(isInbox)}>Inbox</a>
<a href="${beside}templates"${current(!isInbox)}>Templates</a></nav>
<main id="inbox" data-source="${source}" data-languages="${languages.join(" ")}">
<section class="list">
${articles.join("\n") || '<p class="note">No mail yet.</p>'}
</section>
</main>
<script src="${beside}client.js"></script>
</html>
`;
}

function presentMail({ to, subject, text, at }: InboxMail): string {
  const code = /^\d{6}$/m.exec(text)?.[0];
  return `<article>
<h2>${escape(subject)}</h2>
<p>to <b>${escape(to)}</b>, <time>${escape(at)}</time></p>
${code ? `<p><code>${code}</code></p>` : ""}
<pre>${escape(text)}</pre>
</article>`;
}

const presentTemplate = ({ template, subject, text }: Templates[number]) => `<article>
<h2>${escape(template)}</h2>
<p>${escape(subject)}</p>
<pre>${escape(text)}</pre>
</article>`;

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escape = (text: string) => text.replace(/[&<>"']/g, (sign) => entities[sign]!);
