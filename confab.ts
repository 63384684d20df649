import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { startNode, type ConfabNode } from "./node.ts";
import { SettingsError } from "./mixins/settings.ts";

const { values: options } = parseArgs({
  options: {
    /** A prompt on this node. */
    repl: { type: "boolean", default: false, short: "r" },
    /** No services, only a prompt on the cluster that TRANSPORTER names. */
    visit: { type: "boolean", default: false },
  },
});

try {
  const node = await startNode(undefined, { visit: options.visit });
  announce(node);
  if (options.repl || options.visit) node.broker.repl();
} catch (err) {
  // One message that names every wrong setting; a stack would only hide it.
  console.error(err instanceof SettingsError ? err.message : err);
  process.exit(1);
}

/** Tells whoever started this where to look. */
function announce({ broker, edge }: ConfabNode): void {
  const settings = Object.assign({}, ...broker.services.map((service) => service.settings)) as Record<string, string | undefined>;
  const names = broker.services.map(({ name }) => name).filter((name) => !name.startsWith("$"));
  const lines = [`Confab is running as ${broker.nodeID}: ${names.join(", ") || "no services"}.`];
  if (edge.address) lines.push(`  Open   ${edge.address}`);
  if (settings.DATA_DIR) lines.push(`  Data   ${settings.MONGO_URL ? "MongoDB" : resolve(settings.DATA_DIR)}`);
  if (edge.address && names.includes("mail") && !settings.SMTP_URL)
    lines.push(`  Inbox  ${edge.address}/dev/inbox, where mail lands that nobody sends`);
  console.log(lines.join("\n"));
}
