export { copyDatabases, databasesIn, requireSound } from "./backup.ts";
export { SqliteAdapter, type AdapterOptions, type Filters } from "./adapter.ts";
export { SqliteCollection } from "./collection.ts";
export { SqliteDatabase, type DatabaseOptions } from "./database.ts";
export { FolderRefused, StoreRefused, UniqueConflict, WriteFailed } from "./errors.ts";
export { DataFolder, makeFolder } from "./folder.ts";
export type {
  CompactSchema,
  Filter,
  FindOptions,
  IndexSchema,
  NumberedField,
  SqliteDocument,
  TableSchema,
  Update,
} from "./schema.ts";
export { inserted, type Inserted } from "./operations.ts";
export { ScanRefused } from "./table.ts";
