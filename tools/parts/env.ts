import { generateKeyPairSync } from "node:crypto";
import type { Parts } from "./parts.ts";

/** The lines of an `.env` that make nodes a cluster on these parts. The key is a new one each time: all nodes get the same lines. */
export function presentEnv({ rabbitUrl, redisUrl, mongoUrl }: Pick<Parts, "rabbitUrl" | "redisUrl" | "mongoUrl">): string {
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "pem", type: "pkcs8" });
  return [
    `TRANSPORTER=${rabbitUrl}`,
    `REDIS_URL=${redisUrl}`,
    `MONGO_URL=${mongoUrl}`,
    `SIGNING_KEY=${Buffer.from(key).toString("base64")}`,
  ].join("\n");
}
