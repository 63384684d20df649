import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { actions, type SignedIn } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import { Sessions, tokenTerms } from "@confab/mixins/sessions.ts";
import { compileSchema } from "@confab/mixins/validator.ts";
import jwt from "jsonwebtoken";
import { v7 as uuid } from "uuid";
import type { UserStore } from "../store/user.store.ts";
import { askerOf, days, minutes, passTime, sessionIdOf, startUser, type TestUser } from "../testing.ts";

let user: TestUser;
beforeEach(async () => void (user = await startUser()));
afterEach(async () => {
  jest.restoreAllMocks();
  await user.stop();
});

const refresh = (refreshToken: string) => call(user.broker, "user.session.refresh", { refreshToken });
const alive = async (...sessionIds: string[]) => (await call(user.broker, "user.session.check", { sessionIds })).alive;
const refused = { type: "user.bad_refresh_token", code: 401 };

describe("access tokens", () => {
  test("are as whoever checks them expects", async () => {
    const { accessToken, refreshToken, user: ann } = await user.signIn("ann@example.org");
    const { keys } = await call(user.broker, "user.key.list", {});
    expect(compileSchema(actions["user.key.list"].returns)({ keys })).toEqual([]);
    const { header } = jwt.decode(accessToken, { complete: true })!;
    expect(header).toEqual({ alg: "ES256", typ: "JWT", kid: keys[0]!.kid });
    const { algorithm, issuer, audience } = tokenTerms;
    const claims = jwt.verify(accessToken, createPublicKey({ key: keys[0]!, format: "jwk" }), {
      algorithms: [algorithm],
      issuer,
      audience,
    }) as jwt.JwtPayload;
    expect(Object.keys(claims).sort()).toEqual(["aud", "exp", "iat", "iss", "sid", "sub"]);
    expect(claims).toMatchObject({ sub: ann.id, sid: sessionIdOf(refreshToken) });
    expect(claims.exp! - claims.iat!).toBe(300);
    expect(await new Sessions(user.broker).identify(accessToken)).toEqual({
      userId: ann.id,
      sessionId: sessionIdOf(refreshToken),
      expiresAt: claims.exp,
    });
  });

  test("are good for nothing once the session ended", async () => {
    const { accessToken, refreshToken, user: ann } = await user.signIn("ann@example.org");
    await call(user.broker, "user.session.end", {}, { meta: { userId: ann.id, sessionId: sessionIdOf(refreshToken) } });
    await expect(new Sessions(user.broker).identify(accessToken)).rejects.toMatchObject({ type: "unauthenticated" });
  });
});

describe("refresh", () => {
  test("answers the next pair, each time", async () => {
    let { refreshToken } = await user.signIn("ann@example.org");
    const seen = new Set([refreshToken]);
    for (let times = 0; times < 3; times++) {
      const next = await refresh(refreshToken);
      expect(compileSchema(actions["user.session.refresh"].returns)(next)).toEqual([]);
      seen.add((refreshToken = next.refreshToken));
    }
    expect(seen.size).toBe(4);
  });

  test("a replaced token answers the same successor for 30 seconds", async () => {
    const { refreshToken } = await user.signIn("ann@example.org");
    passTime(0);
    const next = await refresh(refreshToken);
    passTime(30_000);
    expect((await refresh(refreshToken)).refreshToken).toBe(next.refreshToken);
    await refresh(next.refreshToken);
  });

  test("uses of one token at once answer one successor", async () => {
    const { refreshToken } = await user.signIn("ann@example.org");
    const answers = await Promise.all(Array.from({ length: 6 }, () => refresh(refreshToken)));
    expect(new Set(answers.map((answer) => answer.refreshToken)).size).toBe(1);
    expect(user.ended).toEqual([]);
  });

  test("a replaced token after that ends the session, for both who hold it, and tells", async () => {
    const { refreshToken, user: ann } = await user.signIn("ann@example.org");
    passTime(0);
    const next = await refresh(refreshToken);
    passTime(30_001);
    await expect(refresh(refreshToken)).rejects.toMatchObject(refused);
    await expect(refresh(next.refreshToken)).rejects.toMatchObject(refused);
    expect(await alive(sessionIdOf(refreshToken))).toEqual([]);
    expect(user.ended).toEqual([{ userId: ann.id, sessionId: sessionIdOf(refreshToken) }]);
  });

  test("a token older than the replaced one ends the session at once", async () => {
    const { refreshToken } = await user.signIn("ann@example.org");
    await refresh((await refresh(refreshToken)).refreshToken);
    await expect(refresh(refreshToken)).rejects.toMatchObject(refused);
    expect(await alive(sessionIdOf(refreshToken))).toEqual([]);
    expect(user.ended).toHaveLength(1);
  });

  test("a forged token does nothing but be refused", async () => {
    const { refreshToken } = await user.signIn("ann@example.org");
    const other = await user.signIn("bob@example.org");
    const current = (await refresh((await refresh(refreshToken)).refreshToken)).refreshToken;
    const [sessionId, , mac] = refreshToken.split(".") as [string, string, string];
    const changed = (mac[0] === "A" ? "B" : "A") + mac.slice(1);
    const last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const sameBits = mac.slice(0, -1) + last[last.indexOf(mac.at(-1)!) + 1]!;
    const forged = [
      `${sessionId}.1.${changed}`,
      `${sessionId}.1.${sameBits}`,
      `${sessionId}.01.${mac}`,
      `${sessionId}.2.${mac}`,
      `${sessionId}.9.${mac}`,
      `${sessionIdOf(other.refreshToken)}.1.${mac}`,
      `${uuid()}.1.${mac}`,
      "no token at all",
    ];
    for (const token of forged) await expect(refresh(token)).rejects.toMatchObject(refused);
    expect(user.ended).toEqual([]);
    expect(await alive(sessionId, sessionIdOf(other.refreshToken))).toHaveLength(2);
    await refresh(current);
  });

  test("is refused once the session ended", async () => {
    const { refreshToken, user: ann } = await user.signIn("ann@example.org");
    await call(user.broker, "user.session.end", {}, { meta: { userId: ann.id, sessionId: sessionIdOf(refreshToken) } });
    await expect(refresh(refreshToken)).rejects.toMatchObject(refused);
  });
});

test("a new signing key refuses access tokens and codes, but the current refresh token goes on", async () => {
  const folder = mkdtempSync(join(tmpdir(), "confab-user-"));
  const before = await startUser({ DATA_DIR: folder });
  const { accessToken, refreshToken } = await before.signIn("ann@example.org");
  const mailed = await before.mailedCode("bob@example.org");
  await before.stop();
  const SIGNING_KEY = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
    format: "pem",
    type: "pkcs8",
  }) as string;
  const after = await startUser({ DATA_DIR: folder, SIGNING_KEY });
  try {
    const sessions = new Sessions(after.broker);
    await expect(sessions.identify(accessToken)).rejects.toMatchObject({ type: "unauthenticated" });
    await expect(call(after.broker, "user.code.verify", mailed)).rejects.toMatchObject({ type: "user.wrong_code" });
    const next = await call(after.broker, "user.session.refresh", { refreshToken });
    expect(await sessions.identify(next.accessToken)).toMatchObject({ sessionId: sessionIdOf(refreshToken) });
  } finally {
    await after.stop();
    rmSync(folder, { recursive: true });
  }
});

describe("the life of a session", () => {
  test("ends after 30 days without use", async () => {
    const { refreshToken } = await user.signIn("ann@example.org");
    passTime(days(30) - minutes(1));
    expect(await alive(sessionIdOf(refreshToken))).toHaveLength(1);
    passTime(minutes(1));
    expect(await alive(sessionIdOf(refreshToken))).toEqual([]);
    await expect(refresh(refreshToken)).rejects.toMatchObject(refused);
  });

  test("goes on with each refresh, to 90 days", async () => {
    let { refreshToken } = await user.signIn("ann@example.org");
    const sessionId = sessionIdOf(refreshToken);
    for (let weeks = 0; weeks < 12; weeks++) {
      passTime(days(7));
      ({ refreshToken } = await refresh(refreshToken));
    }
    passTime(days(5));
    expect(await alive(sessionId)).toEqual([sessionId]);
    passTime(days(1) + 1000);
    expect(await alive(sessionId)).toEqual([]);
    await expect(refresh(refreshToken)).rejects.toMatchObject(refused);
  });

  test("signing out ends this session only, for good, and tells once it is stored", async () => {
    const [first, second] = [await user.signIn("ann@example.org"), await user.signIn("ann@example.org")];
    const [sessionId, other] = [sessionIdOf(first.refreshToken), sessionIdOf(second.refreshToken)];
    const meta = { userId: first.user.id, sessionId };
    const { store } = user.broker.getLocalService("user") as unknown as {
      store: { endSession: (...given: unknown[]) => Promise<void> };
    };
    const end = store.endSession.bind(store);
    jest.spyOn(store, "endSession").mockImplementation(async (...given) => {
      await end(...given);
      expect(user.ended).toEqual([]);
    });
    expect(await call(user.broker, "user.session.end", {}, { meta })).toBeNull();
    expect(user.ended).toEqual([meta]);
    expect(await alive(sessionId, other)).toEqual([other]);
  });

  test("nobody signs out another's session", async () => {
    const ann = await user.signIn("ann@example.org");
    const bob = await user.signIn("bob@example.org");
    const sessionId = sessionIdOf(ann.refreshToken);
    await call(user.broker, "user.session.end", {}, { meta: { userId: bob.user.id, sessionId } });
    expect(await alive(sessionId)).toEqual([sessionId]);
    await expect(call(user.broker, "user.session.end", {})).rejects.toMatchObject({ type: "unauthenticated" });
  });

  test("one question tells of many", async () => {
    const ann = await user.signIn("ann@example.org");
    const sessionId = sessionIdOf(ann.refreshToken);
    expect(await alive(uuid(), sessionId, uuid())).toEqual([sessionId]);
    expect(await alive()).toEqual([]);
  });
});

describe("a rotation of the signing key", () => {
  const pem = () =>
    generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "pem", type: "pkcs8" }) as string;
  const env = (folder: string, signing: string, ...old: string[]) => ({
    DATA_DIR: folder,
    SIGNING_KEY: Buffer.from(signing).toString("base64"),
    OLD_SIGNING_KEYS: old.map((key) => Buffer.from(key).toString("base64")).join(","),
  });

  test("leaves every token and code good, under the key before and under the one to come", async () => {
    const folder = mkdtempSync(join(tmpdir(), "confab-keys-"));
    const [one, two] = [pem(), pem()];
    let node = await startUser(env(folder, one, two));
    try {
      const first = await node.signIn("ann@example.org");
      const flow = await node.mailedCode("ann@example.org");
      const replaced = await call(node.broker, "user.session.refresh", { refreshToken: first.refreshToken });
      await node.stop();

      node = await startUser(env(folder, two, one));
      const sessions = new Sessions(node.broker);
      await sessions.identify(replaced.accessToken);
      const repeated = await call(node.broker, "user.session.refresh", { refreshToken: first.refreshToken });
      expect(repeated.refreshToken).toBe(replaced.refreshToken);
      const next = await call(node.broker, "user.session.refresh", { refreshToken: replaced.refreshToken });
      await call(node.broker, "user.code.verify", flow);
      const kids = (await call(node.broker, "user.key.list", {})).keys.map(({ kid }) => kid);
      expect(kids).toContain(jwt.decode(first.accessToken, { complete: true })!.header.kid);
      expect(kids[0]).toBe(jwt.decode(next.accessToken, { complete: true })!.header.kid);
      await node.stop();

      // The old one is gone: what it signed is refused, and who refreshed meanwhile stays signed in.
      node = await startUser(env(folder, two));
      await expect(new Sessions(node.broker).identify(replaced.accessToken)).rejects.toMatchObject({ type: "unauthenticated" });
      await call(node.broker, "user.session.refresh", { refreshToken: next.refreshToken });
    } finally {
      await node.stop();
      rmSync(folder, { recursive: true });
    }
  });
});

describe("the list", () => {
  const list = (who: SignedIn) => call(user.broker, "user.session.list", {}, { meta: askerOf(who) });
  const idOf = ({ refreshToken }: SignedIn) => sessionIdOf(refreshToken);

  test("shows device, place and last use, the latest first, and which of them asks", async () => {
    const first = await user.signIn("ann@example.org", { meta: { device: "Firefox", address: "192.0.2.1" } });
    passTime(minutes(5));
    const second = await user.signIn("ann@example.org", { meta: { device: "Phone", address: "192.0.2.2" } });
    await user.signIn("bob@example.org");
    const { items } = await list(first);
    expect(compileSchema(actions["user.session.list"].returns)({ items })).toEqual([]);
    expect(items).toMatchObject([
      { id: idOf(second), device: "Phone", address: "192.0.2.2", current: false },
      { id: idOf(first), device: "Firefox", address: "192.0.2.1", current: true },
    ]);
    passTime(minutes(10));
    await refresh(first.refreshToken);
    expect((await list(first)).items[0]!.id).toBe(idOf(first));
  });

  test("one of them is ended, and is gone from it", async () => {
    const first = await user.signIn("ann@example.org");
    const second = await user.signIn("ann@example.org");
    await call(user.broker, "user.session.remove", { sessionId: idOf(second) }, { meta: askerOf(first) });
    expect((await list(first)).items.map(({ id }) => id)).toEqual([idOf(first)]);
    expect(user.ended).toContainEqual({ userId: first.user.id, sessionId: idOf(second) });
    await expect(refresh(second.refreshToken)).rejects.toMatchObject(refused);
  });

  test("somebody else's, one that ended and one that never was answer alike, and nothing ends", async () => {
    const ann = await user.signIn("ann@example.org");
    const ended = await user.signIn("ann@example.org");
    const bob = await user.signIn("bob@example.org");
    await call(user.broker, "user.session.end", {}, { meta: askerOf(ended) });
    for (const sessionId of [idOf(bob), idOf(ended), uuid()])
      await expect(call(user.broker, "user.session.remove", { sessionId }, { meta: askerOf(ann) })).rejects.toMatchObject({
        type: "user.session_not_found",
        data: {},
      });
    expect(await alive(idOf(bob))).toEqual([idOf(bob)]);
  });

  test("all are ended at once, or all but the one that asks; nobody else's", async () => {
    const a = await user.signIn("ann@example.org");
    const b = await user.signIn("ann@example.org");
    const c = await user.signIn("ann@example.org");
    const bob = await user.signIn("bob@example.org");
    await call(user.broker, "user.session.removeAll", { others: true }, { meta: askerOf(a) });
    expect((await alive(idOf(a), idOf(b), idOf(c), idOf(bob))).sort()).toEqual([idOf(a), idOf(bob)].sort());
    await expect(refresh(b.refreshToken)).rejects.toMatchObject(refused);
    const refreshed = await refresh(a.refreshToken);
    await call(user.broker, "user.session.removeAll", {}, { meta: askerOf(a) });
    expect(await alive(idOf(a), idOf(bob))).toEqual([idOf(bob)]);
    await expect(refresh(refreshed.refreshToken)).rejects.toMatchObject(refused);
    expect(user.endedAll).toEqual([
      { userId: a.user.id, except: idOf(a) },
      { userId: a.user.id, except: null },
    ]);
  });

  // G6: a gateway believes for a second that a session lives: by then it must not make itself the one that stays.
  test("one that has just ended brings itself back by ending the others neither now nor after a ban", async () => {
    const stolen = await user.signIn("ann@example.org");
    const own = await user.signIn("ann@example.org");
    const endOthers = (who: SignedIn) => call(user.broker, "user.session.removeAll", { others: true }, { meta: askerOf(who) });
    await endOthers(own);
    await expect(endOthers(stolen)).rejects.toMatchObject({ type: "unauthenticated" });
    expect(await alive(idOf(stolen), idOf(own))).toEqual([idOf(own)]);
    const { store } = user.broker.getLocalService("user") as unknown as { store: UserStore };
    await store.nextEpoch(own.user.id, null, { set: { ban: { reason: "spam", at: Date.now() } } });
    await expect(endOthers(own)).rejects.toMatchObject({ type: "unauthenticated" });
    await store.changeUser({ _id: own.user.id }, {}, { ban: true });
    expect(await alive(idOf(stolen), idOf(own))).toEqual([]);
  });

  test("two that end each other at once leave one, and one that asks twice at once stays", async () => {
    const [a, b] = [await user.signIn("ann@example.org"), await user.signIn("ann@example.org")];
    const endOthers = (who: SignedIn) => call(user.broker, "user.session.removeAll", { others: true }, { meta: askerOf(who) });
    const ends = await Promise.allSettled([endOthers(a), endOthers(b)]);
    expect(ends.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const [left] = [a, b].filter((_, at) => ends[at]!.status === "fulfilled");
    await Promise.all([endOthers(left!), endOthers(left!)]);
    expect(await alive(idOf(a), idOf(b))).toEqual([idOf(left!)]);
  });

  test("an account that is banned has none, and nobody signs in to it", async () => {
    const ann = await user.signIn("ann@example.org");
    const { store } = user.broker.getLocalService("user") as unknown as { store: UserStore };
    await store.changeUser({ _id: ann.user.id }, { ban: { reason: "spam", at: Date.now(), until: Date.now() + minutes(1) } });
    expect(await alive(idOf(ann))).toEqual([]);
    await expect(refresh(ann.refreshToken)).rejects.toMatchObject(refused);
    await expect(user.signIn("ann@example.org")).rejects.toMatchObject({ type: "user.banned" });
    passTime(minutes(2));
    await user.signIn("ann@example.org");
  });
});

test("a sign-in from a place that the account does not know is told to its owner, once for each place", async () => {
  const notices = () => user.mails.filter(({ template }) => template === "new-device");
  await user.signIn("ann@example.org", { meta: { address: "192.0.2.1" } });
  expect(notices()).toEqual([]);
  passTime(minutes(2));
  await user.signIn("ann@example.org", { meta: { address: "192.0.2.1" } });
  expect(notices()).toEqual([]);
  await user.signIn("ann@example.org", { meta: { address: "192.0.2.2", device: "Phone" } });
  await user.signIn("ann@example.org", { meta: { address: "192.0.2.2" } });
  expect(notices()).toMatchObject([{ to: "ann@example.org", data: { address: "192.0.2.2", device: "Phone" } }]);
});
