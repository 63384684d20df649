import { createPublicKey, type KeyObject } from "node:crypto";
import jwt from "jsonwebtoken";
import { LRUCache } from "lru-cache";
import type { ServiceBroker } from "moleculer";
import { call } from "./define.ts";
import { problem } from "./problem.ts";

/** What an access token says, and to whom. */
export const tokenTerms = { algorithm: "ES256", issuer: "confab", audience: "confab" } as const;

export interface Identity {
  userId: string;
  sessionId: string;
  /** Seconds since 1970 at which the token runs out. */
  expiresAt: number;
}

/** A session found alive is believed for so long (G6 wants an end seen everywhere within two seconds). */
const trustMs = 1000;
/** Keys that were read are believed for so long: one that is taken away is good for nothing after. */
const keysTrustMs = 300_000;
/** As many as the contract takes in one question. */
const askAtOnce = 10_000;

/** Tells who a token belongs to: by its signature, and by asking whether its session is still alive. */
export class Sessions {
  readonly #broker: ServiceBroker;
  #keys = new Map<string, KeyObject>();
  readonly #verified = new LRUCache<string, Identity>({ max: 10_000 });
  /** Whose the sessions are that were found alive. */
  readonly #alive = new LRUCache<string, string>({ max: 50_000, ttl: trustMs });
  /** By a clock that nobody sets. */
  #keysAskedAt = -Infinity;
  #askingKeys: Promise<void> | undefined;
  #gathering: { ids: Set<string>; answer: Promise<Set<string>> } | undefined;

  constructor(broker: ServiceBroker) {
    this.#broker = broker;
  }

  /** Throws `unauthenticated` where the token is not good or its session has ended. */
  async identify(token: string | undefined): Promise<Identity> {
    const identity = await this.#verify(token ?? "");
    if (!this.#alive.get(identity.sessionId)) {
      // G6: from the question on, since it was alive then; an answer may have been long on its way.
      const start = performance.now();
      const alive = await this.#ask(identity.sessionId);
      if (!alive.has(identity.sessionId)) throw problem("unauthenticated", { detail: "The session has ended" });
      this.#alive.set(identity.sessionId, identity.userId, { start });
    }
    return identity;
  }

  /** Which of these sessions are alive now, whatever was believed. */
  async alive(sessionIds: string[]): Promise<Set<string>> {
    const alive = new Set<string>();
    for (let from = 0; from < sessionIds.length; from += askAtOnce) {
      const answer = await call(this.#broker, "user.session.check", { sessionIds: sessionIds.slice(from, from + askAtOnce) });
      for (const sessionId of answer.alive) alive.add(sessionId);
    }
    return alive;
  }

  /** This session ended: believe it no longer. */
  forget(sessionId: string): void {
    this.#alive.delete(sessionId);
  }

  /** All sessions of this user ended, or all but one. */
  forgetUser(userId: string, except: string | null): void {
    for (const [sessionId, whose] of this.#alive.entries())
      if (whose === userId && sessionId !== except) this.#alive.delete(sessionId);
  }

  async #verify(token: string): Promise<Identity> {
    this.#renewKeys();
    const known = this.#verified.get(token);
    if (known && known.expiresAt * 1000 > Date.now()) return known;
    const kid = keyIdOf(token);
    const key = typeof kid === "string" && isExact(token) ? await this.#key(kid) : undefined;
    if (!key) throw problem("unauthenticated");
    try {
      const { issuer, audience, algorithm } = tokenTerms;
      const claims = jwt.verify(token, key, { algorithms: [algorithm], issuer, audience }) as jwt.JwtPayload;
      const identity = { userId: claims.sub!, sessionId: claims["sid"] as string, expiresAt: claims.exp! };
      // The library asks for no end of its own accord.
      if (typeof identity.expiresAt !== "number") throw problem("unauthenticated");
      this.#verified.set(token, identity);
      return identity;
    } catch {
      throw problem("unauthenticated");
    }
  }

  async #key(kid: string): Promise<KeyObject | undefined> {
    // Whoever comes while the keys are being read waits for them; a crowd that comes back to a new node is one question.
    // A made-up kid costs one look-up a second at most, whoever sends how many.
    if (!this.#keys.has(kid)) await (this.#askingKeys ?? (this.#keysAge() > 1000 ? this.#askKeys() : undefined));
    return this.#keys.get(kid);
  }

  readonly #keysAge = () => performance.now() - this.#keysAskedAt;

  /** Beside the request that finds them old; where nobody answers, the known ones hold. */
  #renewKeys(): void {
    if (this.#keys.size === 0 || this.#askingKeys || this.#keysAge() <= keysTrustMs) return;
    this.#askKeys().catch(() => {});
  }

  async #askKeys(): Promise<void> {
    this.#askingKeys = call(this.#broker, "user.key.list", {})
      .then(({ keys }) => {
        const read = new Map(keys.map((key) => [key.kid, createPublicKey({ key, format: "jwk" })]));
        // What a key signed that is gone is not believed either.
        if ([...this.#keys.keys()].some((kid) => !read.has(kid))) this.#verified.clear();
        this.#keys = read;
        this.#keysAskedAt = performance.now();
      })
      .finally(() => (this.#askingKeys = undefined));
    await this.#askingKeys;
  }

  /** Questions that come while one is being put together go out in one call. */
  #ask(sessionId: string): Promise<Set<string>> {
    if (!this.#gathering) {
      const ids = new Set<string>();
      const answer = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
        this.#gathering = undefined;
        return this.alive([...ids]);
      });
      this.#gathering = { ids, answer };
    }
    this.#gathering.ids.add(sessionId);
    return this.#gathering.answer;
  }
}

/** Whether the signature is written in the one right way: base64url leaves bits of its last letter over, which nothing signs. */
function isExact(token: string): boolean {
  const signature = token.slice(token.lastIndexOf(".") + 1);
  return Buffer.from(signature, "base64url").toString("base64url") === signature;
}

/** Which key a token says that it is signed with. Reading throws where only its head is readable. */
function keyIdOf(token: string): string | undefined {
  try {
    return jwt.decode(token, { complete: true })?.header.kid;
  } catch {
    return undefined;
  }
}
