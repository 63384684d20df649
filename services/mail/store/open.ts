import type { Database } from "@confab/mixins/store/collection.ts";
import { openOnce } from "@confab/mixins/store/open-once.ts";
import type { Service } from "moleculer";
import type { MailService } from "../service.ts";
import { DeclineStore } from "./decline.store.ts";
import { DigestStore } from "./digest.store.ts";
import { MailStore } from "./mail.store.ts";
import { OperatorStore } from "./operator.store.ts";

/** Opens the stores of the service. Several stand on the same collections, each of which is opened once. */
export async function openStores(database: Database, service: Service): Promise<MailStore> {
  const shared = openOnce(database);
  const mine = service as MailService;
  mine.operators = await OperatorStore.open(shared);
  mine.declines = await DeclineStore.open(shared);
  mine.digests = await DigestStore.open(shared);
  return MailStore.open(shared);
}
