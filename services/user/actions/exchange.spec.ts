import { createHmac, generateKeyPairSync, type KeyObject } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Result } from "@confab/contracts";
import { call, type Meta } from "@confab/mixins/define.ts";
import type { Env } from "@confab/mixins/settings.ts";
import { TOTP, Secret } from "otpauth";
import { exportJWK, SignJWT, UnsecuredJWT, type JWK, type JWTPayload } from "jose";
import { placeOf } from "../guard.ts";
import type { UserService } from "../service.ts";
import { passTime, startUser, type TestUser } from "../testing.ts";

let user: TestUser;
afterEach(async () => {
  jest.restoreAllMocks();
  await user.stop();
});

const secret = "a secret of the host, of 32 and more characters";
const start = async (env: Env) => void (user = await startUser({ DATA_DIR: "memory", AUTH: "both", ...env }));
const exchange = (token: string, more: { totp?: string } = {}, meta: Meta = {}) =>
  call(user.broker, "user.session.exchange", { token, ...more }, { meta });
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;
const good = (claims: JWTPayload = {}): JWTPayload => ({ sub: "h1", aud: "confab", exp: inSeconds(60), ...claims });
const sign = (claims: JWTPayload, key: KeyObject | Uint8Array = new TextEncoder().encode(secret), header: object = {}) =>
  new SignJWT(claims).setProtectedHeader({ alg: "HS256", ...header }).sign(key);
const word = (asked: Promise<unknown>) =>
  asked.then(
    () => "done",
    (err: { type: string }) => err.type,
  );
const without = (claim: string) => Object.fromEntries(Object.entries(good()).filter(([name]) => name !== claim));

describe("by a secret", () => {
  beforeEach(() => start({ HOST_JWT_SECRET: secret, HOST_JWT_ISSUER: "https://host.example" }));
  const right = (claims: JWTPayload = {}) => good({ iss: "https://host.example", ...claims });

  test("who is new becomes a user, and is the same one later, with the profile of the latest token", async () => {
    const first = await exchange(await sign(right({ name: "Ann", email: "Ann@Example.org" })));
    expect(first.user).toMatchObject({ externalId: "h1", name: "Ann", email: "ann@example.org", emailVerified: false });
    const later = await exchange(await sign(right({ name: "Anna" })), {}, { device: "iPhone", address: "192.0.2.1" });
    expect(later.user).toEqual({ ...first.user, name: "Anna" });
    const again = await exchange(await sign(right()));
    expect(again.user).toEqual(later.user);
    await expect(call(user.broker, "user.session.refresh", { refreshToken: again.refreshToken })).resolves.toBeDefined();
  });

  test("an address by the host's word alone makes no place known to whoever has it some day", async () => {
    const address = "192.0.2.1";
    const { id } = (await exchange(await sign(right({ email: "ann@example.org" })), {}, { address })).user;
    const { store } = user.broker.getLocalService("user") as unknown as UserService;
    expect(await store.isKnownPlace(placeOf(id, address))).toBe(true);
    expect(await store.isKnownPlace(placeOf("ann@example.org", address))).toBe(false);
    await user.signIn("ann@example.org", { meta: { address } });
    expect(await store.isKnownPlace(placeOf("ann@example.org", address))).toBe(true);
  });

  test("fifty at once make one user", async () => {
    const token = await sign(right({ name: "Ann" }));
    const all: Result<"user.session.exchange">[] = await Promise.all(Array.from({ length: 50 }, () => exchange(token)));
    expect(new Set(all.map(({ user }) => user.id)).size).toBe(1);
  });

  test("nobody gets into an account of ours by its address", async () => {
    const own = (await user.signIn("ann@example.org", { name: "Ann" })).user;
    const host = (await exchange(await sign(right({ email: "ann@example.org", email_verified: true })))).user;
    expect(host.id).not.toBe(own.id);
    expect(host.email).toBeNull();
  });

  const refused: [string, () => Promise<string> | string, string?][] = [
    ["no token at all", () => "x"],
    ["alg none", () => new UnsecuredJWT(right()).encode()],
    ["no signature", async () => (await sign(right())).replace(/[^.]+$/, "")],
    ["one flipped bit", async () => flip(await sign(right()))],
    ["another secret", () => sign(right(), new TextEncoder().encode(secret.toUpperCase()))],
    ["HS512 with the right secret", () => sign(right(), undefined, { alg: "HS512" })],
    ["another audience", () => sign(right({ aud: "other" }))],
    ["no audience", () => sign({ ...without("aud"), iss: "https://host.example" })],
    ["another issuer", () => sign(right({ iss: "https://evil.example" }))],
    ["no issuer", () => sign(good())],
    ["no exp", () => sign({ ...without("exp"), iss: "https://host.example" })],
    ["exp as text", () => sign({ ...right(), exp: "never" } as unknown as JWTPayload)],
    ["expired", () => sign(right({ exp: inSeconds(-6) }))],
    ["not yet valid", () => sign(right({ nbf: inSeconds(20) }))],
    ["no sub", () => sign({ ...without("sub"), iss: "https://host.example" })],
    ["an empty sub", () => sign(right({ sub: "" }))],
    ["a sub that is a number", () => sign({ ...right(), sub: 7 } as unknown as JWTPayload)],
    ["a sub that is too long", () => sign(right({ sub: "h".repeat(201) }))],
    ["a sub with a control character", () => sign(right({ sub: "h\n1" }))],
    ["a name that is no text", () => sign(right({ name: { $ne: null } }))],
    ["an address that is none", () => sign(right({ email: "ann" }))],
    ["a critical header of which we know nothing", () => sign(right(), undefined, { crit: ["x"], x: 1 }).catch(() => withCrit())],
    ["oversized", () => sign(right({ pad: "x".repeat(8192) })), "VALIDATION_ERROR"],
  ];
  test.each(refused)("refused: %s", async (_, make, expected = "user.bad_host_token") => {
    expect(await word(exchange(await make()))).toBe(expected);
  });

  test("a clock that is off by five seconds is none of the user's fault", async () => {
    expect(await word(exchange(await sign(right({ exp: inSeconds(-3), nbf: inSeconds(-60) }))))).toBe("done");
    expect(await word(exchange(await sign(right({ nbf: inSeconds(4) }))))).toBe("done");
  });

  test("the refusal says what is wrong, and names every wrong claim, but not what it says", async () => {
    const detail = (token: string) => exchange(token).catch((err: { message: string }) => err.message);
    expect(await detail(await sign(right({ aud: "other" })))).toBe("The claim aud of the token is not as it must be");
    expect(await detail(await sign({ ...without("exp"), iss: "https://host.example" }))).toBe(
      "The claim exp of the token is missing",
    );
    const asked = exchange(await sign(right({ name: "", email: "secret words" })));
    await expect(asked).rejects.toMatchObject({ type: "user.bad_host_token" });
    const wrong = await asked.catch((err: { data: { errors: { field: string }[] } }) =>
      err.data.errors.map(({ field }) => field),
    );
    expect(new Set(wrong as string[])).toEqual(new Set(["token.name", "token.email"]));
    await asked.catch((err: unknown) => expect(JSON.stringify(err)).not.toContain("secret words"));
  });

  test("an unpaired surrogate in a claim is refused by its name, and in a claim of the host's own it is nothing to us", async () => {
    await expect(exchange(await sign(right({ name: "Ann \ud800" })))).rejects.toMatchObject({
      type: "user.bad_host_token",
      data: { errors: [{ field: "token.name", code: "malformed" }] },
    });
    const { user: made } = await exchange(await sign(right({ name: "Ann", motto: "\ud800", tree: [[[]]] })));
    expect(made.name).toBe("Ann");
  });

  test("the second factor is asked for, unless the token says that the host did", async () => {
    const { user: ann, refreshToken } = await exchange(await sign(right({ name: "Ann" })));
    const meta = { userId: ann.id, sessionId: refreshToken.split(".")[0]! };
    const { secret: shared } = await call(user.broker, "user.totp.begin", {}, { meta });
    const totp = new TOTP({ secret: Secret.fromBase32(shared) });
    await call(user.broker, "user.totp.confirm", { code: totp.generate() }, { meta });
    passTime(30_000);

    const plain = await sign(right());
    expect(await word(exchange(plain))).toBe("user.totp_required");
    expect(await word(exchange(plain, { totp: wrong(totp.generate({ timestamp: Date.now() })) }))).toBe("user.wrong_totp");
    expect(await word(exchange(plain, { totp: totp.generate({ timestamp: Date.now() }) }))).toBe("done");
    for (const amr of [["pwd", "mfa"], ["otp"]]) expect(await word(exchange(await sign(right({ amr }))))).toBe("done");
    for (const amr of [["pwd"], "mfa", { 0: "mfa" }, []])
      expect(await word(exchange(await sign(right({ amr }))))).toBe("user.totp_required");
  });

  const wrong = (code: string) => (code === "000000" ? "111111" : "000000");
});

describe("by the keys that the host publishes", () => {
  const make = {
    RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
    PS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
    ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
    EdDSA: () => generateKeyPairSync("ed25519"),
    ES384: () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
  };
  type Algorithm = keyof typeof make;
  const pairs = Object.fromEntries(Object.entries(make).map(([alg, pair]) => [alg, pair()])) as Record<
    Algorithm,
    ReturnType<(typeof make)[Algorithm]>
  >;
  const publish = async (alg: string, key: KeyObject, kid: string): Promise<JWK> => ({
    ...(await exportJWK(key)),
    kid,
    alg,
    use: "sig",
  });

  /** The host's server, which counts what it is asked. */
  let server: Server;
  let asked = 0;
  let keys: JWK[];
  let answer: "keys" | "nothing" | "error" | "no keys" | "half";
  beforeEach(async () => {
    asked = 0;
    answer = "keys";
    keys = await Promise.all(Object.entries(pairs).map(([alg, { publicKey }]) => publish(alg, publicKey, alg)));
    server = createServer((_, response) => {
      asked++;
      if (answer === "nothing") return;
      if (answer === "error") return response.writeHead(500).end("{}");
      if (answer === "half") return response.writeHead(200).write('{"keys":');
      response.end(answer === "keys" ? JSON.stringify({ keys }) : '{"keys":"none"}');
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await start({ HOST_JWKS_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys` });
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const signed = (alg: Algorithm, header: object = {}, claims = good()) =>
    sign(claims, pairs[alg].privateKey, { alg, kid: alg, ...header });

  test("tokens of all that one signs with today, on one fetch", async () => {
    const algorithms = ["RS256", "PS256", "ES256", "EdDSA"] as const;
    const all = await Promise.all(algorithms.map(async (alg) => exchange(await signed(alg))));
    expect(new Set(all.map(({ user }) => user.id)).size).toBe(1);
    for (const alg of algorithms) await exchange(await signed(alg));
    expect(asked).toBe(1);
  });

  test("refused: what is signed by a public key, by another key, or in no way that is accepted here", async () => {
    const pem = pairs.RS256.publicKey.export({ format: "pem", type: "spki" }) as string;
    const jwk = JSON.stringify(await exportJWK(pairs.RS256.publicKey));
    for (const shared of [pem, pem.trim(), jwk])
      expect(await word(exchange(hs256(good(), shared, { kid: "RS256" })))).toBe("user.bad_host_token");
    const own = pairs.ES256.publicKey;
    const tokens = [
      new UnsecuredJWT(good()).encode(),
      await signed("ES384"),
      await sign(good(), pairs.PS256.privateKey, { alg: "RS256", kid: "RS256" }),
      await sign(good(), pairs.RS256.privateKey, { alg: "PS256", kid: "RS256" }),
      await sign(good(), make.ES256().privateKey, { alg: "ES256", kid: "ES256", jwk: await exportJWK(own) }),
      await signed("ES256", { kid: "../ES256" }),
      flip(await signed("ES256")),
      await signed("ES256", {}, good({ aud: "other" })),
      await signed("ES256", {}, without("exp")),
    ];
    for (const token of tokens) expect(await word(exchange(token))).toBe("user.bad_host_token");
  });

  test("an address that the token names for its keys is never asked", async () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/other`;
    await exchange(await signed("ES256"));
    const evil = make.ES256();
    const token = await sign(good(), evil.privateKey, { alg: "ES256", kid: "ES256", jku: url, x5u: url });
    expect(await word(exchange(token))).toBe("user.bad_host_token");
    expect(asked).toBe(1);
  });

  test("a new key is fetched when a token names it, once for all that come with it", async () => {
    await exchange(await signed("ES256"));
    const next = make.ES256();
    keys.push(await publish("ES256", next.publicKey, "next"));
    const token = await sign(good(), next.privateKey, { alg: "ES256", kid: "next" });
    passTime(6000);
    const words = await Promise.all(Array.from({ length: 20 }, () => word(exchange(token))));
    expect(words).toEqual(Array(20).fill("done"));
    expect(asked).toBe(2);
  });

  test("a thousand kids that nobody published do not hammer the host", async () => {
    await exchange(await signed("ES256"));
    passTime(6000);
    const tokens = await Promise.all(Array.from({ length: 1000 }, (_, at) => signed("ES256", { kid: `made up ${at}` })));
    for (let at = 0; at < 1000; at += 50) {
      const words = await Promise.all(tokens.slice(at, at + 50).map((token) => word(exchange(token))));
      expect(words).toEqual(Array(50).fill("user.bad_host_token"));
    }
    expect(asked).toBe(2);
  });

  test.each(["error", "no keys"] as const)(
    "the host answers %s: known keys serve on, others are to be tried later",
    async (kind) => {
      await exchange(await signed("ES256"));
      answer = kind;
      passTime(6000);
      for (let count = 0; count < 50; count++)
        expect(await word(exchange(await signed("ES256", { kid: "new" })))).toBe("unavailable");
      expect(asked).toBe(2);
      expect(await word(exchange(await signed("ES256")))).toBe("done");

      answer = "keys";
      passTime(6000);
      expect(await word(exchange(await signed("ES256", { kid: "new" })))).toBe("user.bad_host_token");
      expect(asked).toBe(3);
    },
  );

  test.each(["nothing", "half"] as const)(
    "a host that answers %s is waited for three seconds, and is no fault of the token's",
    async (kind) => {
      answer = kind;
      const before = performance.now();
      const refusal = { type: "unavailable", data: { retryAfter: 5 } };
      await expect(exchange(await signed("ES256"))).rejects.toMatchObject(refusal);
      expect(performance.now() - before).toBeLessThan(4000);
      expect(performance.now() - before).toBeGreaterThan(2500);
    },
  );

  test("a host that is away is no fault of the token's", async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(await word(exchange(await signed("ES256")))).toBe("unavailable");
  });
});

test("without a secret or keys every token is refused, with the reason", async () => {
  await start({});
  const refusal = { type: "user.bad_host_token", message: expect.stringContaining("HOST_JWKS_URL") as string };
  await expect(exchange(await sign(good()))).rejects.toMatchObject(refusal);
});

/** As a library would sign it that takes any text for a secret. */
function hs256(claims: JWTPayload, shared: string, header: object = {}): string {
  const parts = [{ alg: "HS256", ...header }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  return [...parts, createHmac("sha256", shared).update(parts.join(".")).digest("base64url")].join(".");
}

const withCrit = () => hs256(good({ iss: "https://host.example" }), secret, { crit: ["x"], x: 1 });

function flip(token: string): string {
  const [head, body, signature] = token.split(".") as [string, string, string];
  const bytes = Buffer.from(signature, "base64url");
  bytes[0]! ^= 1;
  return [head, body, bytes.toString("base64url")].join(".");
}
