import type { ActionName, Params, ProblemCode, Result } from "@confab/contracts";
import type { TestClient } from "../../support/client.ts";
import { contractOf } from "../../support/contract.ts";
import { between, pick, type Random } from "../../support/random.ts";
import { NoAnswer, Refused } from "../../support/refusal.ts";
import type { TestSocket } from "../../support/socket.ts";
import type { TestUser } from "../../support/user.ts";
import { pause } from "../../support/wait.ts";

/** What became of one thing that was asked for until there was an answer. */
export interface Outcome<N extends ActionName> {
  result?: Result<N>;
  refused?: ProblemCode;
  /** How often there was none: each time it may have been done, or may be yet. */
  interrupted: number;
}

export interface Asked {
  answered: number;
  interrupted: number;
  bySocket: number;
  /** Milliseconds of the longest attempt. */
  longest: number;
  /** When the last acknowledgement of a change came. */
  times: number[];
}
export const nothingAsked = (): Asked => ({ answered: 0, interrupted: 0, bySocket: 0, longest: 0, times: [] });

/** Nobody is left without an answer for longer than this, whatever is killed. */
const patience = 60_000;

/** A person who asks again, each time through another door, until there is an answer. */
export class Asker {
  readonly user: TestUser;
  readonly random: Random;
  readonly sockets: TestSocket[];
  readonly #clients: TestClient[];
  readonly #asked: Asked;
  readonly #blame: (what: string) => void;

  constructor(
    user: TestUser,
    sockets: TestSocket[],
    random: Random,
    { doors, asked, blame }: { doors: number; asked: Asked; blame: (what: string) => void },
  ) {
    this.user = user;
    this.sockets = sockets;
    this.random = random;
    this.#clients = Array.from({ length: doors }, (_, at) => user.at(at).client);
    this.#asked = asked;
    this.#blame = blame;
  }

  get id(): string {
    return this.user.id;
  }

  async ask<N extends ActionName>(name: N, params: Params<N>): Promise<Outcome<N>> {
    const since = Date.now();
    for (let interrupted = 0; ; interrupted++) {
      const began = Date.now();
      try {
        const result = await this.#attempt(name, params);
        this.#asked.answered++;
        if (contractOf(name).rest?.startsWith("GET") !== true && name !== "chat.sync.pull") this.#asked.times.push(Date.now());
        return { result, interrupted };
      } catch (error) {
        const isUnavailable = error instanceof Refused && error.code === "unavailable";
        if (error instanceof Refused && !isUnavailable) return { refused: error.code, interrupted };
        const isLate = Date.now() - since > patience;
        if (isLate || (!(error instanceof NoAnswer) && !isUnavailable)) {
          this.#blame(`${isLate ? "nobody answered any more: " : ""}${(error as Error).message}`);
          return { refused: "internal", interrupted };
        }
        this.#asked.interrupted++;
        await pause(between(this.random, 50, 400));
      } finally {
        this.#asked.longest = Math.max(this.#asked.longest, Date.now() - began);
      }
    }
  }

  #attempt<N extends ActionName>(name: N, params: Params<N>): Promise<Result<N>> {
    const open = this.sockets.filter(({ disconnected }) => disconnected === undefined);
    if (contractOf(name).socket === undefined || open.length === 0 || this.random() < 0.5)
      return pick(this.random, this.#clients).call(name, params);
    this.#asked.bySocket++;
    return pick(this.random, open).call(name, params);
  }
}
