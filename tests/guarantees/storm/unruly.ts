// Loaded into every node of a storm by --import: what services tell each other is lost, doubled, or late and so swapped.
// Each time is a line in the node's log, so that the test can count them, also those of a node that is killed after it.

import { ServiceBroker } from "moleculer";
import { randomFrom } from "../../support/random.ts";

const told = new Set(["chat.entry.appended", "chat.user.appended", "chat.receipt.moved"]);
/** A process that comes again fares otherwise than the one before. */
const random = randomFrom(Number(process.env["UNRULY_SEED"]) + process.pid);
/** Of each way. */
const share = 0.05;

type Emit = (this: ServiceBroker, name: string, ...rest: unknown[]) => Promise<void>;
const prototype = ServiceBroker.prototype as unknown as { emit: Emit };
const { emit } = prototype;

prototype.emit = function (this: ServiceBroker, name, ...rest) {
  const chance = told.has(name) ? random() : 1;
  if (chance >= 3 * share) return emit.call(this, name, ...rest);
  const way = chance < share ? "lost" : chance < 2 * share ? "doubled" : "late";
  process.stderr.write(`unruly: ${way} ${name}\n`);
  if (way === "lost") return Promise.resolve();
  if (way === "late") {
    setTimeout(() => void emit.call(this, name, ...rest), 30 + random() * 500).unref();
    return Promise.resolve();
  }
  void emit.call(this, name, ...rest);
  return emit.call(this, name, ...rest);
};
