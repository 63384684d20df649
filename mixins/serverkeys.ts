import { createHash } from "node:crypto";
import type { Scope } from "@confab/contracts";
import { LRUCache } from "lru-cache";
import type { ServiceBroker } from "moleculer";
import { call } from "./define.ts";
import { problem } from "./problem.ts";

export interface KeyIdentity {
  keyId: string;
  scopes: readonly Scope[];
}

/** An answer is believed for so long (G6 wants a removed key good for nothing within two seconds). */
const trustMs = 1000;
/** What can be a server key at all. */
const form = /^ck_[\w-]{1,197}$/;

/** Tells which server key somebody holds, and what it is good for. */
export class ServerKeys {
  readonly #broker: ServiceBroker;
  /** By a hash: a key itself lies in no memory for longer than its request. What is good for nothing is remembered too. */
  readonly #known = new LRUCache<string, { identity: KeyIdentity | null }>({ max: 10_000, ttl: trustMs });
  readonly #asking = new Map<string, Promise<KeyIdentity | null>>();

  constructor(broker: ServiceBroker) {
    this.#broker = broker;
  }

  /** Throws `unauthenticated` where the key is not good. */
  async identify(key: string | undefined): Promise<KeyIdentity> {
    if (key === undefined || !form.test(key)) throw problem("unauthenticated");
    const hash = createHash("sha256").update(key).digest("base64url");
    const known = this.#known.get(hash);
    const identity = known ? known.identity : await (this.#asking.get(hash) ?? this.#ask(key, hash));
    if (!identity) throw problem("unauthenticated");
    return identity;
  }

  /** Whoever comes with the same key meanwhile waits for the same answer. */
  #ask(key: string, hash: string): Promise<KeyIdentity | null> {
    const answer = call(this.#broker, "user.serverkey.check", { key })
      .then((identity) => {
        this.#known.set(hash, { identity });
        return identity;
      })
      .finally(() => this.#asking.delete(hash));
    this.#asking.set(hash, answer);
    return answer;
  }
}
