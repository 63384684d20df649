/* What the host signs for POST /auth/exchange. */
import { HostClaims } from "@confab/contracts/host.ts";
import { problem } from "@confab/mixins/problem.ts";
import { compileSchema } from "@confab/mixins/validator.ts";
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  jwtVerify,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from "jose";
import type { UserSettings } from "./settings.ts";

type Settings = Pick<UserSettings, "HOST_JWT_SECRET" | "HOST_JWKS_URL" | "HOST_JWT_ISSUER" | "HOST_JWT_AUDIENCE">;

const clockTolerance = 5;
const keysTimeout = 3000;
/** A fetch of the keys that failed is not tried again for so long; nor are they fetched again for the sake of a key that is not among them. */
const keysCooldown = 5000;

const faultsOf = compileSchema(HostClaims);

const refuse = (detail: string) => problem("user.bad_host_token", { detail });

/** How the host says that the second factor was asked for. */
export const saysSecondFactor = ({ amr }: HostClaims): boolean =>
  Array.isArray(amr) && amr.some((method) => method === "mfa" || method === "otp");

/** Checks the host's tokens, by its secret or by the keys that it publishes. */
export class HostTokens {
  readonly #verify: ((token: string) => Promise<unknown>) | undefined;

  constructor({ HOST_JWT_SECRET, HOST_JWKS_URL, HOST_JWT_ISSUER, HOST_JWT_AUDIENCE }: Settings) {
    const terms = {
      audience: HOST_JWT_AUDIENCE,
      requiredClaims: ["exp", "sub"],
      clockTolerance,
      ...(HOST_JWT_ISSUER === undefined ? {} : { issuer: HOST_JWT_ISSUER }),
    } satisfies JWTVerifyOptions;
    // What a token is signed with is ours to say, never the token's: a public key must not serve as a secret.
    if (HOST_JWT_SECRET !== undefined) {
      const secret = new TextEncoder().encode(HOST_JWT_SECRET);
      this.#verify = async (token) => (await jwtVerify(token, secret, { ...terms, algorithms: ["HS256"] })).payload;
    } else if (HOST_JWKS_URL !== undefined) {
      const keys = publishedKeys(new URL(HOST_JWKS_URL));
      const algorithms = ["RS256", "PS256", "ES256", "EdDSA"];
      this.#verify = async (token) => (await jwtVerify(token, keys, { ...terms, algorithms })).payload;
    }
  }

  /** What the token says; throws `user.bad_host_token` where it is not the host's word to us, now. */
  async read(token: string): Promise<HostClaims> {
    if (!this.#verify) throw refuse("Neither HOST_JWT_SECRET nor HOST_JWKS_URL is set, so no token can be checked");
    const claims = await this.#verify(token).catch((err: unknown) => {
      if (err instanceof errors.JOSEError) throw refuse(detailOf(err));
      throw err;
    });
    const known = pickKnown(claims as Record<string, unknown>);
    const faults = faultsOf(known);
    if (faults.length > 0)
      throw problem("user.bad_host_token", {
        detail: "The token does not say well whom it is for",
        errors: faults.map((fault) => ({ ...fault, field: `token.${fault.field}` })),
      });
    return known as HostClaims;
  }
}

/** Other claims are the host's own: neither checked nor kept. */
const pickKnown = (claims: Record<string, unknown>) =>
  Object.fromEntries(
    Object.keys(HostClaims.properties).flatMap((name) => (Object.hasOwn(claims, name) ? [[name, claims[name]]] : [])),
  );

/** For whoever writes the host's backend. Of the signature nothing but that it is wrong. */
function detailOf(err: errors.JOSEError): string {
  if (err instanceof errors.JWTExpired) return "The token has expired";
  if (err instanceof errors.JWTClaimValidationFailed)
    return `The claim ${err.claim} of the token ${err.reason === "missing" ? "is missing" : "is not as it must be"}`;
  if (err instanceof errors.JOSEAlgNotAllowed) return "The token is signed in a way that is not accepted here";
  if (err instanceof errors.JWKSNoMatchingKey) return "The token's kid is not among the keys that the host publishes";
  if (err instanceof errors.JWKSMultipleMatchingKeys) return "The token has no kid, and several keys might be meant";
  if (err instanceof errors.JWSSignatureVerificationFailed) return "The signature of the token is wrong";
  return "This is no signed token";
}

/**
 * The keys that the host publishes: kept for ten minutes, and fetched anew where a token names one that is not among
 * them, though not again within the cool-down. That they cannot be had says nothing about the token.
 */
function publishedKeys(url: URL): JWTVerifyGetKey {
  let failedAt = -Infinity;
  const fetchKeys: typeof fetch = async (...args) => {
    if (Date.now() - failedAt < keysCooldown) throw new Error("the last try has failed just now");
    try {
      const response = await fetch(...args);
      if (response.status !== 200) throw new Error(`it answers ${response.status}`);
      // Read here, so that a body that does not come, or is no set of keys, counts as failed too.
      const body = (await response.json()) as JSONWebKeySet;
      createLocalJWKSet(body);
      return Response.json(body);
    } catch (err) {
      failedAt = Date.now();
      throw err;
    }
  };
  const options = { timeoutDuration: keysTimeout, cooldownDuration: keysCooldown, [customFetch]: fetchKeys };
  const keys = createRemoteJWKSet(url, options);
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (err) {
      const isAboutToken =
        err instanceof errors.JWKSNoMatchingKey ||
        err instanceof errors.JWKSMultipleMatchingKeys ||
        err instanceof errors.JOSENotSupported;
      if (isAboutToken) throw err;
      throw problem("unavailable", {
        detail: "The host's keys cannot be had",
        retryAfter: keysCooldown / 1000,
        cause: String(err),
      });
    }
  };
}
