import { generateKeyPairSync } from "node:crypto";
import type { PublicKey } from "@confab/contracts";
import jwt from "jsonwebtoken";
import type { ServiceBroker } from "moleculer";
import { Sessions, tokenTerms } from "./sessions.ts";

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const { x, y } = publicKey.export({ format: "jwk" }) as { x: string; y: string };
const first: PublicKey = { kty: "EC", crv: "P-256", x, y, kid: "k1", alg: "ES256", use: "sig" };
const token = (subject: string, keyid = "k1") =>
  jwt.sign({ sid: `session of ${subject}` }, privateKey, { subject, keyid, expiresIn: 300, ...tokenTerms });

function open(keysTake = 20, checksTake = 0) {
  const asked = { keys: 0, sessions: 0 };
  let away = false;
  let keys = [first];
  const call = async (name: string, { sessionIds }: { sessionIds: string[] }) => {
    if (away) throw new Error("away");
    if (name !== "user.key.list") {
      asked.sessions++;
      if (checksTake > 0) await new Promise((resolve) => setTimeout(resolve, checksTake));
      return { alive: sessionIds };
    }
    asked.keys++;
    await new Promise((resolve) => setTimeout(resolve, keysTake));
    return { keys };
  };
  return {
    sessions: new Sessions({ call } as unknown as ServiceBroker),
    asked,
    setAway: (is: boolean) => (away = is),
    setKeys: (kids: string[]) => (keys = kids.map((kid) => ({ ...first, kid }))),
  };
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

describe("while time goes by", () => {
  let now = performance.now();
  const clock = jest.spyOn(performance, "now").mockImplementation(() => now);
  afterAll(() => clock.mockRestore());
  const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

  test("a key that is taken away is good for nothing after five minutes, and what it signed neither", async () => {
    const { sessions, setKeys } = open(0);
    await sessions.identify(token("ann"));
    setKeys(["k2"]);
    now += 299_000;
    await sessions.identify(token("ann"));
    await settle();
    await sessions.identify(token("ann"));
    now += 2000;
    // This one finds that the keys are old; those after it, that the key is gone.
    await sessions.identify(token("ann"));
    await settle();
    await expect(sessions.identify(token("ann"))).rejects.toMatchObject({ type: "unauthenticated" });
    await expect(sessions.identify(token("ann", "k2"))).resolves.toMatchObject({ userId: "ann" });
  });

  test("the known keys hold while nobody can be asked", async () => {
    const { sessions, setAway, asked } = open(0);
    await sessions.identify(token("ann"));
    now += 300_001;
    setAway(true);
    await expect(sessions.identify(token("ann"))).rejects.toThrow("away");
    await settle();
    setAway(false);
    await expect(sessions.identify(token("ann"))).resolves.toMatchObject({ userId: "ann" });
    await settle();
    expect(asked.keys).toBe(2);
  });

  test("a new key is known as soon as something comes that it signed", async () => {
    const { sessions, setKeys } = open(0);
    await sessions.identify(token("ann"));
    setKeys(["k1", "k2"]);
    now += 1001;
    await expect(sessions.identify(token("ann", "k2"))).resolves.toMatchObject({ userId: "ann" });
  });
});

test("G6: the sessions of a user are believed no longer once they ended, but for the one that stays", async () => {
  const { sessions, asked } = open(0);
  for (const name of ["ann", "bob"]) await sessions.identify(token(name));
  expect(asked.sessions).toBe(2);
  sessions.forgetUser("ann", "session of ann");
  await sessions.identify(token("ann"));
  expect(asked.sessions).toBe(2);
  sessions.forgetUser("ann", null);
  for (const name of ["ann", "bob"]) await sessions.identify(token(name));
  expect(asked.sessions).toBe(3);
});

test("G6: an answer that was long on its way is believed no longer than its question is old", async () => {
  const { sessions, asked } = open(0, 700);
  await sessions.identify(token("ann"));
  await sessions.identify(token("ann"));
  expect(asked.sessions).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 400));
  await sessions.identify(token("ann"));
  expect(asked.sessions).toBe(2);
});
