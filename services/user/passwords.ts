import { createHash } from "node:crypto";
import { availableParallelism } from "node:os";
import { badField, problem } from "@confab/mixins/problem.ts";
import { Gate } from "@confab/mixins/gate.ts";
import { dictionary } from "@zxcvbn-ts/language-common";
import argon2 from "argon2";
import type { UserSettings } from "./settings.ts";

type Cost = Pick<UserSettings, "PASSWORD_MEMORY" | "PASSWORD_PASSES">;

/** What a fingerprint costs, whatever the settings say: it would be another one at another cost. */
const fingerprintCost = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** How many wait for a turn of each core: some seconds of hashing, after which waiting is worth less than coming again. */
const waitingPerCore = 100;

/**
 * Hashes passwords by argon2id, at most as many at once as there are cores beside the one that serves: each takes tens of milliseconds and
 * megabytes. The others wait in a line that is bounded, and who finds it full is refused early (G8).
 */
export class Passwords {
  readonly #options: { type: 2; memoryCost: number; timeCost: number; parallelism: number };
  readonly #gate: Gate;
  /** Of nobody's password: to be compared with where there is none, so that it takes as long. */
  readonly #nobodys: Promise<string>;

  constructor({ PASSWORD_MEMORY, PASSWORD_PASSES }: Cost, cores = Math.max(1, availableParallelism() - 1)) {
    this.#options = { type: argon2.argon2id, memoryCost: PASSWORD_MEMORY, timeCost: PASSWORD_PASSES, parallelism: 1 };
    this.#gate = new Gate(cores, cores * waitingPerCore);
    this.#nobodys = argon2.hash("nobody's", this.#options);
    this.#nobodys.catch(() => {});
  }

  hash(password: string): Promise<string> {
    return this.#inTurn(() => argon2.hash(normalize(password), this.#options));
  }

  /** Whether it is the password of this hash. Where there is no hash it is not, and that takes as long to find out. */
  async matches(hash: string | undefined, password: string): Promise<boolean> {
    const against = hash ?? (await this.#nobodys);
    const isSame = await this.#inTurn(() => argon2.verify(against, normalize(password)));
    return isSame && hash !== undefined;
  }

  /** As costly a hash, but the same each time, so that something can be found by it. It is salted by whose it is. */
  async fingerprint(secret: string, ownerId: string): Promise<string> {
    const salt = createHash("sha256").update(ownerId).digest().subarray(0, 16);
    const raw = await this.#inTurn(() => argon2.hash(secret, { ...fingerprintCost, salt, raw: true }));
    return raw.toString("base64url");
  }

  /** Whether it was hashed at a lower cost than is wanted now. */
  isOutdated(hash: string): boolean {
    const [, memory, passes] = /\bm=(\d+),(?:p=\d+,)?t=(\d+)/.exec(hash) ?? [];
    return Number(memory ?? 0) < this.#options.memoryCost || Number(passes ?? 0) < this.#options.timeCost;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#gate.isFull) throw problem("unavailable", { detail: "Too many sign in just now", retryAfter: 5 });
    return this.#gate.run(work);
  }
}

/** The same password however a keyboard composes its characters (NIST SP 800-63B). */
const normalize = (password: string) => password.normalize("NFKC");

const common = new Set((dictionary as Record<string, readonly string[]>)["passwords-common"]);

/** What makes a password no good whatever it is made of: that it is tried first. */
export function checkPassword(password: string, email?: string): void {
  const given = normalize(password).toLowerCase();
  if (common.has(given)) throw badField("password", "too_common", "is one of the commonest passwords");
  const [local] = email?.split("@") ?? [];
  if (email !== undefined && (given === email || given === local))
    throw badField("password", "is_email", "must not be your own address");
}
