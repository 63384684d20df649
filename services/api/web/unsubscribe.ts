import type { IncomingMessage, ServerResponse } from "node:http";
import { actions, type Language, type Result } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import { problem, type Problem } from "@confab/mixins/problem.ts";
import { compileSchema } from "@confab/mixins/validator.ts";
import { raw, Router, type Request } from "express";
import { edgeProblem } from "../errors.ts";
import type { ApiService } from "../gateway.ts";
import { languageOf } from "../language.ts";
import { limitAddress } from "../rates.ts";
import { answerText, getOnly } from "./get-only.ts";

const faultsOf = compileSchema(actions["mail.unsubscribe.take"].params);
type Kind = Result<"mail.unsubscribe.look">["kind"];

/** RFC 8058 wants one short field, in either form of a form. What it says adds nothing to the method and the token. */
const body = raw({ type: () => true, limit: 8192, inflate: false });

/**
 * Where the links of mails lead that end their kind. Reading one changes nothing, as programs that look at mails follow
 * every link: it asks first. A POST ends it, whether by the button there or by a mailbox provider (RFC 8058), which has
 * no cookie, follows no redirect, and may come from any page: the token is all that counts.
 */
export function unsubscribing(service: ApiService) {
  const { broker } = service;
  const router = Router();
  router.use("/unsubscribe", limitAddress(service));
  router
    .route("/unsubscribe/:token")
    .get((req, res) =>
      answer(req, res, async (token) => presentQuestion((await call(broker, "mail.unsubscribe.look", { token })).kind)),
    )
    .post(body, (req, res) =>
      answer(req, res, async (token) => presentEnd((await call(broker, "mail.unsubscribe.take", { token })).kind)),
    )
    .all((_req, _res, next) => next(problem("method_not_allowed", { allow: ["GET", "HEAD", "POST"] })));
  router.use(getOnly("/unsubscribe.css", (_req, res) => answerText(res, "text/css", style)));
  return router;
}

type Page = (words: Words) => { title: string; body: string };

/** Whoever is here is a person as a rule: what is wrong is told as a page too. */
async function answer(req: Request, res: ServerResponse, act: (token: string) => Promise<Page>): Promise<void> {
  res.setHeader("Cache-Control", "no-store");
  // The address holds the token.
  res.setHeader("Referrer-Policy", "no-referrer");
  const token = String(req.params["token"]);
  try {
    if (faultsOf({ token }).length > 0) throw problem("not_found");
    show(req, res, await act(token));
  } catch (err) {
    const found = edgeProblem(err);
    const told = pageOfProblem(found);
    if (!told) throw err;
    res.statusCode = found.code;
    if (found.data.retryAfter !== undefined) res.setHeader("Retry-After", found.data.retryAfter);
    show(req, res, told);
  }
}

function pageOfProblem({ type }: Problem): Page | undefined {
  if (type === "not_found") return ({ bad }) => ({ title: bad[0], body: paragraph(bad[1]) });
  if (type === "unavailable") return ({ later }) => ({ title: later[0], body: paragraph(later[1]) });
  return undefined;
}

const presentQuestion =
  (kind: Kind): Page =>
  ({ kinds, question, button }) => ({
    title: question,
    body: `${paragraph(kinds[kind])}
<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click"><button>${button}</button></form>`,
  });

const presentEnd =
  (kind: Kind): Page =>
  ({ kinds, done }) => ({ title: done, body: paragraph(kinds[kind]) });

function show(req: IncomingMessage, res: ServerResponse, page: Page): void {
  const language = languageOf(req) ?? "en";
  const { title, body } = page(wordsIn[language]);
  res.setHeader("Vary", "Accept-Language");
  answerText(
    res,
    "text/html",
    `<!doctype html>
<html lang="${language}">
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<title>${title}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="../unsubscribe.css">
<main>
<h1>${title}</h1>
${body}
</main>
</html>
`,
  );
}

const paragraph = (text: string) => `<p>${text}</p>`;

/** Written by us: nothing in them comes from outside. */
interface Words {
  question: string;
  button: string;
  done: string;
  /** What ends, said alike before and after. */
  kinds: Record<Kind, string>;
  bad: [title: string, text: string];
  later: [title: string, text: string];
}

const wordsIn: Record<Language, Words> = {
  en: {
    question: "Stop these mails?",
    button: "Stop these mails",
    done: "These mails are stopped",
    kinds: {
      notification:
        "You will get no more mails about mentions and direct messages. They can be switched on again in the settings of the account.",
      digest: "You will get no more digests of unread messages. They can be switched on again in the settings of the account.",
      invitation: "There will be no more invitations to the address that this mail came to.",
    },
    bad: [
      "This link is not good",
      "It may have been cut short. Copy all of it from the mail, or switch mails off in the settings of the account.",
    ],
    later: ["That did not work just now", "Nothing was changed. Please try again in a moment."],
  },
  de: {
    question: "Diese E-Mails abbestellen?",
    button: "Abbestellen",
    done: "Diese E-Mails sind abbestellt",
    kinds: {
      notification:
        "Es kommen keine E-Mails mehr über Erwähnungen und Direktnachrichten. In den Einstellungen des Kontos lassen sie sich wieder einschalten.",
      digest:
        "Es kommen keine Zusammenfassungen ungelesener Nachrichten mehr. In den Einstellungen des Kontos lassen sie sich wieder einschalten.",
      invitation: "Es gehen keine Einladungen mehr an die Adresse, an die diese E-Mail ging.",
    },
    bad: [
      "Dieser Link ist ungültig",
      "Vielleicht wurde er abgeschnitten. Bitte vollständig aus der E-Mail kopieren, oder die E-Mails in den Einstellungen des Kontos abschalten.",
    ],
    later: ["Das hat gerade nicht geklappt", "Es wurde nichts geändert. Bitte gleich noch einmal versuchen."],
  },
};

const style = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; padding: 15vh 1.5rem 2rem; }
main { max-width: 30rem; margin: 0 auto; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 0.75rem; }
p { margin: 0 0 1.5rem; }
button { font: inherit; font-weight: 600; padding: 0.6rem 1.2rem; border: 0; border-radius: 0.5rem; background: #2457c5; color: #fff; cursor: pointer; }
button:hover { background: #1c469f; }
button:focus-visible { outline: 3px solid #7aa2ff; outline-offset: 2px; }
`;
