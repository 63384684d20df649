import { actions, type InboxMail } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { compileSchema } from "@confab/mixins/validator.ts";
import { Router } from "express";
import { answerJson } from "../errors.ts";
import type { ApiService } from "../gateway.ts";
import { answerText, getOnly } from "./get-only.ts";

const faultsOf = compileSchema(actions["mail.inbox.list"].params);

/** The mails of a development system: as JSON, or as a page for people. In production there is no such address. */
export function inbox({ broker, settings }: ApiService) {
  const requireDevelopment = () => {
    if (settings.NODE_ENV === "production") throw problem("not_found");
  };
  const router = Router();
  router.use(
    getOnly("/dev/inbox", async (req, res) => {
      requireDevelopment();
      const to = new URLSearchParams(req.url.split("?")[1] ?? "").get("to");
      const params = to === null ? {} : { to };
      // The asker's fault, which the answer of a service could not be told from a fault of ours.
      const errors = faultsOf(params);
      if (errors.length > 0) throw problem("bad_input", { errors });
      const mails = await call(broker, "mail.inbox.list", params);
      res.setHeader("Cache-Control", "no-store");
      res.setHeader("Vary", "Accept");
      if (!/\btext\/html\b/.test(req.headers.accept ?? "")) return answerJson(res, 200, mails);
      answerText(res, "text/html", presentInbox(mails.items));
    }),
    getOnly("/dev/inbox.css", (_req, res) => {
      requireDevelopment();
      answerText(res, "text/css", style);
    }),
  );
  return router;
}

function presentInbox(mails: InboxMail[]): string {
  const list = mails.length === 0 ? "<p>No mail yet. Reload to look again.</p>" : mails.map(presentMail).join("\n");
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Inbox – Confab</title><link rel="icon" href="data:,"><link rel="stylesheet" href="inbox.css">
<h1>Inbox</h1>
${list}
</html>
`;
}

function presentMail({ to, subject, text, at }: InboxMail): string {
  const code = /\b\d{6}\b/.exec(text)?.[0];
  return `<article>
<h2>${escape(subject)}</h2>
<p>to <b>${escape(to)}</b>, <time>${escape(at)}</time></p>
${code ? `<p><code>${code}</code></p>` : ""}
<pre>${escape(text)}</pre>
</article>`;
}

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escape = (text: string) => text.replace(/[&<>"']/g, (sign) => entities[sign]!);

const style = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 40rem; margin: 2rem auto; padding: 0 1rem; }
article { border-top: 1px solid #8886; padding: 1rem 0; }
h2 { font-size: 1.1rem; margin: 0; }
p { margin: 0.25rem 0; }
code { font-size: 2rem; letter-spacing: 0.2em; user-select: all; }
pre { white-space: pre-wrap; }
`;
