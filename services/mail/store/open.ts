import type { Collection, CollectionSchema, Database, Document } from "@confab/mixins/store/collection.ts";
import type { Service } from "moleculer";
import type { MailService } from "../service.ts";
import { DeclineStore } from "./decline.store.ts";
import { DigestStore } from "./digest.store.ts";
import { MailStore } from "./mail.store.ts";
import { OperatorStore } from "./operator.store.ts";

/** Opens the stores of the service. Several stand on the same collections, each of which is opened once. */
export async function openStores(database: Database, service: Service): Promise<MailStore> {
  const opened = new Map<string, Promise<unknown>>();
  const shared: Database = {
    ...database,
    collection<D extends Document>(schema: CollectionSchema<D>) {
      if (!opened.has(schema.name)) opened.set(schema.name, database.collection(schema));
      return opened.get(schema.name) as Promise<Collection<D>>;
    },
  };
  const mine = service as MailService;
  mine.operators = await OperatorStore.open(shared);
  mine.declines = await DeclineStore.open(shared);
  mine.digests = await DigestStore.open(shared);
  return MailStore.open(shared);
}
