import { resolve } from "node:path";
import type { Service, ServiceSchema } from "moleculer";
import { clusterDeclarations } from "../cluster.ts";
import { declareSettings, text, url, type Values } from "../settings.ts";
import type { Database } from "./collection.ts";
import { Migrator, type Migration, type MigratorOptions } from "./migrations.ts";
import { openMongo } from "./mongo.ts";
import { openOnce } from "./open-once.ts";
import { openSqlite } from "./sqlite.ts";

/** Where the data is. Every service with a store reads these. */
export const storeSettings = declareSettings(
  "store",
  {
    NODE_ENV: clusterDeclarations.NODE_ENV,
    TRANSPORTER: clusterDeclarations.TRANSPORTER,
    MONGO_URL: url(["mongodb", "mongodb+srv"], {
      about: "The MongoDB replica set that keeps the data; without it the data is in files in DATA_DIR.",
      secret: true,
      example: "mongodb://127.0.0.1:27017/confab?replicaSet=rs0",
    }),
    DATA_DIR: text({ about: "The folder of the embedded store, of one process only; memory keeps nothing.", default: "./data" }),
  },
  ({ TRANSPORTER, MONGO_URL }) =>
    TRANSPORTER && !MONGO_URL ? [{ name: "MONGO_URL", wanted: "is missing; several nodes share a MongoDB" }] : [],
);

type WithStore<S> = Service & { settings: Values<typeof storeSettings.declarations>; store: S };

/**
 * Opens a service's store before the service starts, and closes it after it has stopped; it is then `this.store`. Throws SchemaRefused
 * where a newer version has migrated the store beyond what this one reads; its own migrations run while it serves.
 */
export function store<S>(
  open: (database: Database, service: Service) => Promise<S>,
  migrations: readonly Migration[],
  timing: Pick<MigratorOptions, "leaseMs" | "retryMs"> = {},
): Partial<ServiceSchema> {
  let database: Database | undefined;
  let migrator: Migrator | undefined;
  return {
    async started(this: WithStore<S>) {
      const { MONGO_URL, DATA_DIR, NODE_ENV } = this.settings;
      database = MONGO_URL ? openMongo(this, MONGO_URL) : await openSqlite(this, DATA_DIR, { refuseScans: NODE_ENV === "test" });
      // Shared by the store and its migrations.
      const shared = openOnce(database);
      const place = `The data of ${this.name} in ${MONGO_URL ? nameOf(MONGO_URL) : resolve(DATA_DIR)}`;
      migrator = await Migrator.open(shared, { place, migrations, log: this.logger, ...timing });
      this.store = await open(shared, this);
      migrator.start();
    },
    async stopped(this: WithStore<S & { close?: () => Promise<void> }>) {
      await migrator?.stop();
      await this.store?.close?.();
      await database?.close();
    },
  } as unknown as Partial<ServiceSchema>;
}

/** Without its address, which may hold a password. */
const nameOf = (mongoUrl: string) => `the MongoDB database ${/^[^:]+:\/\/[^/]+\/([^?]+)/.exec(mongoUrl)?.[1] ?? "test"}`;
