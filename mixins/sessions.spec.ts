import { generateKeyPairSync } from "node:crypto";
import type { PublicKey } from "@confab/contracts";
import jwt from "jsonwebtoken";
import type { ServiceBroker } from "moleculer";
import { Sessions, tokenTerms } from "./sessions.ts";

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const { x, y } = publicKey.export({ format: "jwk" }) as { x: string; y: string };
const key: PublicKey = { kty: "EC", crv: "P-256", x, y, kid: "k1", alg: "ES256", use: "sig" };
const token = (subject: string, keyid = "k1") =>
  jwt.sign({ sid: `session of ${subject}` }, privateKey, { subject, keyid, expiresIn: 300, ...tokenTerms });

function open(keysTake = 20) {
  const asked = { keys: 0, sessions: 0 };
  let away = false;
  const call = async (name: string, { sessionIds }: { sessionIds: string[] }) => {
    if (away) throw new Error("away");
    if (name !== "user.key.list") return { alive: (asked.sessions++, sessionIds) };
    asked.keys++;
    await new Promise((resolve) => setTimeout(resolve, keysTake));
    return { keys: [key] };
  };
  return { sessions: new Sessions({ call } as unknown as ServiceBroker), asked, setAway: (is: boolean) => (away = is) };
}

test("G7: a crowd that comes to a new node is let in, by one question for the keys", async () => {
  const { sessions, asked } = open();
  const crowd = ["ann", "bob", "cy", "dee", "eve"];
  const known = await Promise.all(crowd.map((name) => sessions.identify(token(name))));
  expect(known.map(({ userId }) => userId)).toEqual(crowd);
  expect(asked).toEqual({ keys: 1, sessions: 1 });
});

test("keys that could not be read are asked for again at once", async () => {
  const { sessions, setAway } = open();
  setAway(true);
  await expect(sessions.identify(token("ann"))).rejects.toThrow("away");
  setAway(false);
  await expect(sessions.identify(token("ann"))).resolves.toMatchObject({ userId: "ann" });
});

test("made-up kids cost one question a second at most", async () => {
  const { sessions, asked } = open(0);
  for (let at = 0; at < 20; at++) {
    await expect(sessions.identify(token("ann", `made-up-${at}`))).rejects.toMatchObject({ type: "unauthenticated" });
  }
  expect(asked.keys).toBe(1);
});
