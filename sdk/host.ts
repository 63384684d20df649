import type { Me } from "@confab/contracts";
import { ApiProblem, offline } from "./problem.ts";
import type { Identity } from "./session.ts";
import { createStore, type Observable } from "./store.ts";

interface Options {
  /** The host's own way to a token. */
  getToken(): Promise<string>;
  /** Whose token it is. */
  readUser(token: string): Promise<Me>;
}

/** Whoever the host has signed in: it is asked for a token at first, and again when one was refused or runs out. */
export class HostIdentity implements Identity {
  readonly #options: Options;
  readonly #user = createStore<Me | null>(null);
  #token: string | undefined;
  #asking: Promise<string> | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  get user(): Observable<Me | null> {
    return this.#user;
  }

  async token(refused?: string): Promise<string> {
    if (this.#token !== undefined && this.#token !== refused) return this.#token;
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  /** The host may have begun another session: its next token tells. */
  revoked(): void {
    this.#token = undefined;
  }

  end(): void {
    this.#token = undefined;
    this.#user.set(null);
  }

  changeUser(user: Me): void {
    this.#user.set(user);
  }

  close(): void {}

  /** A token counts only with its user known, so that nothing of one user is ever taken for another's. */
  async #ask(): Promise<string> {
    try {
      return await this.#meet(await this.#fetch());
    } catch (err) {
      // The host may keep its tokens, and learn only now that this one is no good.
      if (!(err instanceof ApiProblem) || err.code !== "unauthenticated") throw err;
      return this.#meet(await this.#fetch());
    }
  }

  async #meet(token: string): Promise<string> {
    const user = await this.#options.readUser(token);
    this.#token = token;
    if (JSON.stringify(user) !== JSON.stringify(this.#user.get())) this.#user.set(user);
    return token;
  }

  async #fetch(): Promise<string> {
    try {
      return await this.#options.getToken();
    } catch (err) {
      throw err instanceof ApiProblem ? err : offline(`No token: ${err instanceof Error ? err.message : String(err)}`);
    }
  }
}
