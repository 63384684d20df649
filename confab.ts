import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { startNode, type ConfabNode } from "./node.ts";
import { SchemaRefused } from "./mixins/store/migrations.ts";
import { inMemory, StoreRefused } from "./mixins/store/sqlite.ts";
import { SettingsError } from "./mixins/settings.ts";
import { providerSettings } from "./services/mail/settings.ts";

try {
  const { values: options } = parseArgs({
    options: {
      /** A prompt on this node. */
      repl: { type: "boolean", default: false, short: "r" },
      /** No services, only a prompt on the cluster that TRANSPORTER names. */
      visit: { type: "boolean", default: false },
    },
  });
  const node = await startNode(undefined, { visit: options.visit });
  announce(node);
  if (options.repl || options.visit) node.broker.repl();
} catch (err) {
  // What the operator got wrong is said in one message; a stack would only hide it.
  const isWording =
    err instanceof SettingsError ||
    err instanceof SchemaRefused ||
    err instanceof StoreRefused ||
    (err as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS");
  console.error(isWording ? (err as Error).message : err);
  process.exit(1);
}

/** Tells whoever started this where to look. */
function announce({ broker, edge }: ConfabNode): void {
  const settings = Object.assign({}, ...broker.services.map((service) => service.settings)) as Record<string, string | undefined>;
  const names = broker.services.map(({ name }) => name).filter((name) => !name.startsWith("$"));
  const lines = [`Confab is running as ${broker.nodeID}: ${names.join(", ") || "no services"}.`];
  if (edge.address) lines.push(`  Open   ${edge.address}`);
  if (settings.DATA_DIR) lines.push(`  Data   ${whereabouts(settings)}`);
  if (edge.address && names.includes("mail") && providerSettings.every((name) => !settings[name]))
    lines.push(`  Inbox  ${edge.address}/dev/inbox, where mail lands that nobody sends`);
  console.log(lines.join("\n"));
}

function whereabouts({ MONGO_URL, DATA_DIR }: Record<string, string | undefined>): string {
  if (MONGO_URL) return "MongoDB";
  return DATA_DIR === inMemory ? "in memory: gone when this process is" : resolve(DATA_DIR!);
}
