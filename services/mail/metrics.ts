import type { ServiceBroker } from "moleculer";

/** What is counted of the queue, as it happens on this node. */
export type Counted = "accepted" | "sent" | "retried" | "dead";

export function countMail(_broker: ServiceBroker, _what: Counted): void {}
