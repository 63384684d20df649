import type { Service } from "moleculer";
import type { MailQueue } from "./queue/queue.ts";
import type { MailSettings } from "./settings.ts";
import type { MailStore } from "./store/mail.store.ts";
import type { Transport } from "./transports/transport.ts";

/** What the handlers stand on. */
export type MailService = Service & { settings: MailSettings; store: MailStore; queue: MailQueue; transport: Transport };
