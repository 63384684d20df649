import type { Service } from "moleculer";
import type { MailQueue } from "./queue/queue.ts";
import type { MailSettings } from "./settings.ts";
import type { DeclineStore } from "./store/decline.store.ts";
import type { DigestStore } from "./store/digest.store.ts";
import type { MailStore } from "./store/mail.store.ts";
import type { OperatorStore } from "./store/operator.store.ts";
import type { Transport } from "./transports/transport.ts";

/** What the handlers stand on. */
export type MailService = Service & {
  settings: MailSettings;
  store: MailStore;
  operators: OperatorStore;
  declines: DeclineStore;
  digests: DigestStore;
  queue: MailQueue;
  transport: Transport;
};
