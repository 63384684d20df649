import { PartsUnavailable, startParts, type Parts } from "../../tools/parts/parts.ts";

/** Kept for the teardown, which runs in this same process. */
export const holder = globalThis as typeof globalThis & { confabParts?: Parts };

/** Starts the real parts once for the run and tells the tests where they are, or why there are none. */
export default async function setup(): Promise<void> {
  try {
    const parts = await startParts();
    holder.confabParts = parts;
    const given = Object.values(parts.source).includes("environment");
    Object.assign(process.env, {
      TEST_RABBIT_URL: parts.rabbitUrl,
      TEST_REDIS_URL: parts.redisUrl,
      TEST_MONGO_URL: parts.mongoUrl,
      // Parts that were given are not ours to break.
      TEST_PARTS: given ? "given" : "own",
    });
  } catch (error) {
    if (!(error instanceof PartsUnavailable)) throw error;
    Object.assign(process.env, { TEST_PARTS: "missing", TEST_PARTS_MISSING: error.message });
  }
}
