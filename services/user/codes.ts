import { createHmac, randomInt } from "node:crypto";
import type { Keys } from "./signing-key.ts";

export const newCode = () => String(randomInt(1_000_000)).padStart(6, "0");

/** What is stored of a code. It is bound to its flow: the same code of another flow has another hash. */
export const hashCode = (keys: Keys, flowId: string, code: string) =>
  createHmac("sha256", keys.code).update(`${flowId}|${code}`).digest("base64url");
