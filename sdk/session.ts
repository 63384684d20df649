import type { Me, SignedIn } from "@confab/contracts";
import { exclusively, onWindow, type ClientStorage } from "./platform.ts";
import { ApiProblem, nobody } from "./problem.ts";
import { createStore, type Observable } from "./store.ts";

/** Whose client this is, and the tokens that prove it. */
export interface Identity {
  /** The user that is signed in; null when nobody is. */
  readonly user: Observable<Me | null>;
  /**
   * An access token that is good for a while. `refused` is one that the server did not take: another is got then,
   * whatever its time. Throws `ApiProblem`, `unauthenticated` where there is nobody.
   */
  token(refused?: string): Promise<string>;
  /** The server has ended the session. */
  revoked(): void;
  /** Nobody is to be signed in here any more. */
  end(): void;
  /** Keeps what the user changed of the account. */
  changeUser(user: Me): void;
  close(): void;
}

/** What a refresh answers. */
export type TokenPair = Omit<SignedIn, "user">;

interface Kept {
  user: Me;
  accessToken: string;
  refreshToken: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

interface Options {
  /** Keeps the sessions of several servers apart. */
  name: string;
  storage: ClientStorage;
  /** Exchanges a refresh token for the next pair. */
  refresh(refreshToken: string): Promise<TokenPair>;
  now?: () => number;
  /** Lets one at a time through, across tabs. */
  lock?: typeof exclusively;
}

/** A token is renewed when it has no longer than this to live. */
const marginMs = 30_000;

/**
 * Who is signed in, and their tokens. They lie in the storage, where other tabs find them; they are refreshed in
 * time, and only once however many callers and tabs want one.
 */
export class Session implements Identity {
  readonly #options: Options;
  readonly #key: string;
  readonly #user = createStore<Me | null>(null);
  readonly #stopListening: () => void;
  #refreshing: Promise<string> | undefined;

  constructor(options: Options) {
    this.#options = options;
    this.#key = `confab:${options.name}:session`;
    this.#user.set(this.#read()?.user ?? null);
    // Another tab signed in or out.
    this.#stopListening = onWindow("storage", (event) => {
      if ((event as StorageEvent).key === this.#key) this.#tell(this.#read()?.user ?? null);
    });
  }

  get user(): Observable<Me | null> {
    return this.#user;
  }

  begin({ user, ...tokens }: SignedIn): void {
    this.#write(user, tokens);
    this.#tell(user);
  }

  revoked(): void {
    this.end();
  }

  end(): void {
    this.#options.storage.removeItem(this.#key);
    this.#user.set(null);
  }

  changeUser(user: Me): void {
    const kept = this.#read();
    if (kept) this.#options.storage.setItem(this.#key, JSON.stringify({ ...kept, user } satisfies Kept));
    this.#user.set(user);
  }

  async token(refused?: string): Promise<string> {
    const kept = this.#read();
    if (!kept) throw this.#signedOut();
    if (this.#isGood(kept, refused)) return kept.accessToken;
    this.#refreshing ??= (this.#options.lock ?? exclusively)(this.#key, () => this.#refresh(refused)).finally(
      () => (this.#refreshing = undefined),
    );
    return this.#refreshing;
  }

  close(): void {
    this.#stopListening();
  }

  async #refresh(refused: string | undefined): Promise<string> {
    // While this tab waited for its turn, another may have done it.
    const kept = this.#read();
    if (!kept) throw this.#signedOut();
    if (this.#isGood(kept, refused)) return kept.accessToken;
    try {
      const tokens = await this.#options.refresh(kept.refreshToken);
      // Signed out meanwhile: what came is not to bring the session back.
      if (this.#read()?.refreshToken !== kept.refreshToken) throw this.#signedOut();
      this.#write(kept.user, tokens);
      return tokens.accessToken;
    } catch (err) {
      if (err instanceof ApiProblem && err.code === "user.bad_refresh_token") this.end();
      throw err;
    }
  }

  #isGood({ accessToken, expiresAt }: Kept, refused: string | undefined): boolean {
    return accessToken !== refused && expiresAt - marginMs > this.#now();
  }

  #write(user: Me, { accessToken, refreshToken, expiresIn }: TokenPair): void {
    const kept: Kept = { user, accessToken, refreshToken, expiresAt: this.#now() + expiresIn * 1000 };
    this.#options.storage.setItem(this.#key, JSON.stringify(kept));
  }

  #read(): Kept | undefined {
    try {
      return (JSON.parse(this.#options.storage.getItem(this.#key) ?? "null") as Kept | null) ?? undefined;
    } catch {
      return undefined;
    }
  }

  /** The same person is no news. */
  #tell(user: Me | null): void {
    if (JSON.stringify(user) !== JSON.stringify(this.#user.get())) this.#user.set(user);
  }

  #signedOut(): ApiProblem {
    this.#user.set(null);
    return nobody();
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }
}
