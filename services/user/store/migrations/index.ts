import type { Migration } from "@confab/mixins/store/migrations.ts";

/** The steps of this store's schema, in order: docs/decisions/18-migrations.md says how one is added. */
export const migrations: readonly Migration[] = [];
