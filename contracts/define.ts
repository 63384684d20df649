import type { Static, TObject, TSchema } from "@sinclair/typebox";
import type { ProblemCode } from "./problems.ts";

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Who may ask: anybody, a signed-in user, one with the role admin, the host's backend, or only another service of the cluster. */
export type Audience = "anyone" | "user" | "admin" | "server" | "service";

/** What a server key may be good for. */
export const scopes = ["users", "tokens", "sessions", "chats", "messages"] as const;
export type Scope = (typeof scopes)[number];

/** Where an action is there at all: with own accounts, with sign-in by mailed code, with the host's accounts. */
export type Offer = "own" | "code" | "host";

/** A budget beside those of who asks and from where: of guesses and mails, of costly reads, of what is written into a chat. */
export type Budget = "sign-in" | "find" | "chat";

/**
 * One action, as data. The input check, the TypeScript types of call and handler, the REST route, the socket event,
 * the OpenAPI operation, the AsyncAPI message and the table in the service's README are all derived from it.
 */
export interface ActionContract<P extends TObject = TObject, R extends TSchema = TSchema> {
  summary: string;
  audience: Audience;
  params: P;
  returns: R;
  /** Method and path under `/api/v1`; `:name` parts are params. What is left of the params is the query (GET, DELETE) or the body. */
  rest?: `${Method} /${string}`;
  /** The client event that does the same over a socket. */
  socket?: string;
  /** What REST answers when it went well; a handler picks among several by `ctx.meta.$statusCode`. */
  status: readonly number[];
  /** What the server key must be good for, where a server asks. */
  scope?: Scope;
  /** Left out: always there. */
  offered?: Offer;
  /** Left out: none but those that every request has. */
  budget?: Budget;
  /** The problems that are this action's own; those that any request can meet are in `commonProblems`. */
  problems: readonly ProblemCode[];
  /** True where doing it twice is the same as once, so that the broker may try again by itself. */
  repeatable: boolean;
  /** Bytes that the body over REST may have, where that is more than MAX_BODY. */
  maxBody?: number;
  /** Takes an Idempotency-Key header over REST: asked again under the same key, the answer is the first one's. */
  idempotent?: boolean;
}

/** Declares an action. Left out: `status` is 200, `problems` none, `repeatable` false, and whoever is signed in may ask. */
export function action<const P extends TObject, const R extends TSchema>(
  contract: Partial<ActionContract<P, R>> & Pick<ActionContract<P, R>, "summary" | "params" | "returns">,
): ActionContract<P, R> {
  return { audience: "user", status: [200], problems: [], repeatable: false, ...contract };
}

/** One event between services, as data. Events are hints and may be lost: nothing may depend on one alone. */
export interface EventContract<P extends TSchema = TSchema> {
  summary: string;
  payload: P;
}

export function event<const P extends TSchema>(contract: EventContract<P>): EventContract<P> {
  return contract;
}

/** One event that the server sends over a socket. */
export interface SocketEventContract<P extends TSchema = TSchema> {
  summary: string;
  payload: P;
}

export function socketEvent<const P extends TSchema>(contract: SocketEventContract<P>): SocketEventContract<P> {
  return contract;
}

export type ParamsOf<C> = C extends ActionContract<infer P, TSchema> ? Static<P> : never;
export type ResultOf<C> = C extends ActionContract<TObject, infer R> ? Static<R> : never;
export type PayloadOf<C> = C extends { payload: infer P extends TSchema } ? Static<P> : never;
