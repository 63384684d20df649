// node tools/generate.ts          writes what is derived from the code: tables, .env.example files, docs, the client's routes
// node tools/generate.ts --check  changes nothing, names each file that is stale, and exits 1 if there is one

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import {
  actionEntries,
  commonProblems,
  events,
  problems,
  socketEvents,
  type ActionContract,
  type ProblemCode,
} from "@confab/contracts";
import { edgeSettings } from "../mixins/edge.ts";
import { healthSettings } from "../mixins/health.ts";
import { presentDefault, presentEnvExample, type AnySettings } from "../mixins/settings.ts";
import { clusterSettings, serviceNames, type ServiceName } from "../moleculer.config.ts";
import { settings as api } from "../services/api/settings.ts";
import { settings as chat } from "../services/chat/settings.ts";
import { settings as io } from "../services/io/settings.ts";
import { settings as mail } from "../services/mail/settings.ts";
import { renderLayout } from "../services/mail/templates/layout.generate.ts";
import { settings as user } from "../services/user/settings.ts";
import { renderRoutes } from "../sdk/routes.generate.ts";

const serviceSettings: Record<ServiceName, AnySettings> = { user, chat, mail, io, api };
/** What every node reads, whatever runs on it. */
const nodeSettings: AnySettings[] = [clusterSettings, healthSettings];
const written = "Written from the code by `npm run generate`. Do not change it by hand.";

type Declaration = AnySettings["declarations"][string];

/** Every derived file that is not as the code says, with the text that it must have. */
export async function findStale(root: string): Promise<Map<string, string>> {
  const wanted = new Map<string, string>();
  const files: Record<string, () => string | Promise<string>> = {
    ".env.example": () => presentEnvExample([...nodeSettings, edgeSettings, ...Object.values(serviceSettings)]),
    "docs/settings.md": renderSettings,
    "docs/errors.md": renderErrors,
    "docs/events.md": renderEvents,
    "sdk/routes.ts": renderRoutes,
    "services/mail/templates/layout.html": renderLayout,
  };
  for (const name of serviceNames) {
    files[`services/${name}/.env.example`] = () => renderServiceEnv(name);
    files[`services/${name}/README.md`] = () => fillReadme(name, read(root, `services/${name}/README.md`));
  }
  for (const [file, render] of Object.entries(files)) {
    const text = await render();
    if (read(root, file) !== text) wanted.set(file, text);
  }
  return wanted;
}

const read = (root: string, file: string) => (existsSync(join(root, file)) ? readFileSync(join(root, file), "utf8") : "");

/** A Markdown table. Bars and line ends inside a cell would break it. */
function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

const code = (text: string) => `\`${text}\``;
const isOf = (service: string) => (name: string) => name.startsWith(`${service}.`);

const whoMayAsk = {
  anyone: "anyone",
  user: "a signed-in user",
  admin: "an administrator",
  server: "the host's backend",
  service: "other services",
} as const satisfies Record<ActionContract["audience"], string>;

function renderActions(service: ServiceName): string {
  const rows = actionEntries
    .filter(([name]) => isOf(service)(name))
    .map(([name, { summary, rest, socket, audience }]) => [
      code(name),
      summary,
      rest ? code(rest) : "",
      socket ? code(socket) : "",
      whoMayAsk[audience],
    ]);
  return rows.length === 0 ? "None." : table(["action", "what", "REST, under `/api/v1`", "socket", "who may ask"], rows);
}

/** Of `io` the events that go over its sockets, of the others those that they tell the cluster. */
function renderServiceEvents(service: ServiceName): string {
  const told = Object.entries(service === "io" ? socketEvents : events).filter(
    ([name]) => service === "io" || isOf(service)(name),
  );
  return told.length === 0
    ? "None."
    : table(
        ["event", "what"],
        told.map(([name, { summary }]) => [code(name), summary]),
      );
}

function presentNeed({ required }: Declaration): string {
  if (required === true) return "required";
  return required === "production" ? "required in production" : "";
}

const settingHead = ["setting", "what", "must be", "default"];
const settingCells = (name: string, declaration: Declaration) => [
  code(name),
  declaration.secret ? `${declaration.about} Secret.` : declaration.about,
  declaration.shape,
  [presentDefault(declaration) && code(presentDefault(declaration)), presentNeed(declaration)].filter(Boolean).join(", "),
];

function renderServiceSettings(service: ServiceName): string {
  return table(
    settingHead,
    Object.entries(serviceSettings[service].declarations).map(([name, declaration]) => settingCells(name, declaration)),
  );
}

const sections: Record<string, (service: ServiceName) => string> = {
  actions: renderActions,
  events: renderServiceEvents,
  settings: renderServiceSettings,
};

/** A service's README with its tables between their markers. Where markers are missing, the section is left out. */
function fillReadme(service: ServiceName, readme: string): string {
  return Object.entries(sections).reduce((text, [section, render]) => {
    const between = new RegExp(`(<!-- ${section} -->\n)[^]*?(<!-- /${section} -->)`);
    return text.replace(between, (_all, open: string, close: string) => `${open}${render(service)}\n${close}`);
  }, readme);
}

/** The service itself is named by its scripts, and only `api` and `io` listen. */
function renderServiceEnv(service: ServiceName): string {
  const { SERVICES: _, ...declarations } = clusterSettings.declarations;
  const serves = service === "api" || service === "io";
  return presentEnvExample([
    { ...clusterSettings, declarations },
    healthSettings,
    ...(serves ? [edgeSettings] : []),
    serviceSettings[service],
  ]);
}

function renderSettings(): string {
  const readBy = new Map<string, { declaration: Declaration; readers: string[] }>();
  const owners: [string, AnySettings][] = [
    ...nodeSettings.map((settings): [string, AnySettings] => ["every node", settings]),
    ...Object.entries(serviceSettings),
  ];
  for (const [reader, { declarations }] of owners) {
    for (const [name, declaration] of Object.entries(declarations)) {
      const known = readBy.get(name);
      readBy.set(name, { declaration, readers: [...(known?.readers ?? []), reader] });
    }
  }
  const rows = [...readBy].map(([name, { declaration, readers }]) => [
    ...settingCells(name, declaration),
    readers.includes("every node") ? "every node" : readers.join(", "),
  ]);
  return [
    "# Settings",
    "",
    written,
    "",
    "Settings are environment variables, read and checked once, at start; a node with a wrong or missing one does not start, and",
    "names them all. An empty variable counts as left out. A secret stays out of logs and is not told to other nodes.",
    "",
    table([...settingHead, "read by"], rows),
    "",
  ].join("\n");
}

function renderErrors(): string {
  const answeredBy = (word: ProblemCode) => {
    if ((commonProblems as readonly string[]).includes(word)) return "any action";
    if (word === "unauthenticated") return "any action for signed-in users";
    const names = actionEntries.filter(([, contract]) => contract.problems.includes(word)).map(([name]) => code(name));
    if (!word.includes(".")) names.unshift("the edge, before any action is asked");
    return names.join(", ");
  };
  const rows = (Object.keys(problems) as ProblemCode[]).map((word) => [
    code(word),
    String(problems[word].status),
    problems[word].title,
    answeredBy(word),
  ]);
  return [
    "# Errors",
    "",
    written,
    "",
    "Every error is a problem document (RFC 9457), over REST as `application/problem+json` and over a socket as `error` of the",
    "acknowledgement: `type`, `title`, `status`, `code`, `detail`, `requestId`, where it fits `retryAfter` (seconds), and with `bad_input`",
    "`errors: [{ field, code, message }]`, one for each wrong field. Tell errors apart by `code`, the word below: it never changes its meaning.",
    "",
    table(["code", "status", "title", "who answers it"], rows),
    "",
  ].join("\n");
}

function renderEvents(): string {
  const rows = (contracts: typeof events | typeof socketEvents) =>
    Object.entries(contracts).map(([name, { summary, payload }]) => [code(name), summary, presentFields(payload)]);
  const clientRows = actionEntries
    .filter(([, { socket }]) => socket)
    .map(([name, { socket, summary }]) => [code(socket!), summary, code(name)]);
  return [
    "# Events",
    "",
    written,
    "",
    "## Over the socket, from the server",
    "",
    "A hint that may be lost; the log is the truth.",
    "",
    table(["event", "what", "payload"], rows(socketEvents)),
    "",
    "## Over the socket, from the client",
    "",
    "Each takes `(payload, ack)` and is acknowledged by `{ ok: true, data }` or `{ ok: false, error }`, with the params and results of its action.",
    "",
    table(["event", "what", "action"], clientRows),
    "",
    "## Between services",
    "",
    "Told by the service that is the first part of the name. They may be lost: nothing depends on one alone.",
    "",
    table(["event", "what", "payload"], rows(events)),
    "",
  ].join("\n");
}

/** The names of a payload's fields; of a union those that all its forms have. */
function presentFields(schema: { properties?: object; anyOf?: { properties?: object }[] }): string {
  const forms = (schema.anyOf ?? [schema]).map(({ properties }) => Object.keys(properties ?? {}));
  const shared = forms.reduce((all, form) => all.filter((field) => form.includes(field)));
  return shared.length === 0 ? "" : code(`{ ${shared.join(", ")} }`);
}

async function generate(root: string): Promise<void> {
  const stale = await findStale(root);
  const check = process.argv.includes("--check");
  for (const [file, text] of stale) {
    if (!check) writeFileSync(join(root, file), text);
    console.log(`${file} ${check ? "is stale: npm run generate" : "written"}`);
  }
  if (check && stale.size > 0) process.exitCode = 1;
}

const self = resolve(process.argv[1] ?? "");
if (self.endsWith(join("tools", "generate.ts"))) void generate(dirname(dirname(self)));
