import type { Params, Result } from "@confab/contracts";
import type { Connection } from "./connection.ts";
import { ApiProblem, pauseAfter } from "./problem.ts";
import { request, type Rest } from "./rest.ts";
import { routes, type RouteName } from "./routes.ts";
import type { Identity } from "./session.ts";

/** The actions that go over a socket as well. */
export type SocketRouteName = { [N in RouteName]: (typeof routes)[N] extends { socket: string } ? N : never }[RouteName];

/** Milliseconds for which a change is tried again. Later somebody may have made another one that it would undo. */
const insistFor = 30_000;

/** How the server is asked: by REST, or over the socket while there is one. */
export class Requests {
  readonly #rest: Rest;
  readonly #identity: Identity;
  readonly #connection: Connection;
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(rest: Rest, identity: Identity, connection: Connection) {
    this.#rest = rest;
    this.#identity = identity;
    this.#connection = connection;
  }

  /** By REST. */
  async call<N extends RouteName>(name: N, params: Params<N>): Promise<Result<N>> {
    if (routes[name].audience === "anyone") return request(this.#rest, name, params);
    const token = await this.#identity.token();
    try {
      return await request(this.#rest, name, params, token);
    } catch (err) {
      if (!(err instanceof ApiProblem) || err.code !== "unauthenticated") throw err;
      // The token ran out on the way, or the session has ended: another one tells which.
      return request(this.#rest, name, params, await this.#identity.token(token));
    }
  }

  /**
   * Over the socket while there is one, else by REST. Every other attempt goes by REST in any case: what swallowed an
   * answer on one way may do so again.
   */
  async ask<N extends SocketRouteName>(name: N, params: Params<N>, attempt = 0): Promise<Result<N>> {
    if (this.#connection.state.get() !== "online" || attempt % 2 === 1) return this.call(name, params);
    try {
      return (await this.#connection.ask(routes[name].socket, params)) as Result<N>;
    } catch (err) {
      if (!(err instanceof ApiProblem) || err.code !== "unauthenticated") throw err;
      // The socket stands on a token that ran out; REST renews it.
      return this.call(name, params);
    }
  }

  /**
   * Asks for a change that may be repeated, until there is an answer or half a minute is over. Changes of one `subject`
   * wait for each other, so that the last one asked for is the one that stays.
   */
  insist<N extends SocketRouteName>(subject: string, name: N, params: Params<N>): Promise<Result<N>> {
    const turn = (this.#turns.get(subject) ?? Promise.resolve()).catch(() => {}).then(() => this.#insist(name, params));
    this.#turns.set(subject, turn);
    return turn.finally(() => {
      if (this.#turns.get(subject) === turn) this.#turns.delete(subject);
    });
  }

  async #insist<N extends SocketRouteName>(name: N, params: Params<N>): Promise<Result<N>> {
    const until = Date.now() + insistFor;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.ask(name, params, attempt);
      } catch (err) {
        const pause = pauseAfter(err, attempt);
        if (pause === undefined || Date.now() + pause > until) throw err;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }
}
