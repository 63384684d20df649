import {
  actions,
  type ActionContract,
  type ActionName,
  type EventName,
  type Language,
  type Params,
  type Payload,
  type Result,
  type Scope,
  type UserRole,
} from "@confab/contracts";
import type { ActionSchema, CallingOptions, Context, EventSchema, Service, ServiceBroker } from "moleculer";
import { problem } from "./problem.ts";

/** What travels with a request. Only the edges set who asks; inside the cluster it is trusted. */
export interface Meta {
  userId?: string;
  sessionId?: string;
  /** Of whoever asks what only administrators may. */
  role?: UserRole;
  /** Of the host's backend: its server key, and what that is good for. */
  keyId?: string;
  scopes?: readonly Scope[];
  /** The address, user agent and the like, for sessions and limits. */
  device?: string;
  address?: string;
  /** The best of ours by Accept-Language, for the mails that a request causes. */
  language?: Language;
  /** The asker's own name of a request: sent again under it, it is done once. */
  idempotencyKey?: string;
  $statusCode?: number;
  [key: string]: unknown;
}

export type Ctx<N extends ActionName> = Context<Params<N>, Meta>;

/** The context of an action whose contract asks for a signed-in user, or for an administrator: there is one. */
export type Caller<N extends ActionName> = Context<Params<N>, Meta & { userId: string }>;

/** The name under which a service lists an action or event: without its own name in front. */
const withoutService = (name: string) => name.slice(name.indexOf(".") + 1);

/**
 * The handler of a contract's action, ready to be spread into a service's `actions`. The check of input and the
 * question who asks come from the contract.
 */
export function define<N extends ActionName, S extends Service = Service>(
  name: N,
  handler: (this: S, ctx: Caller<N>) => Promise<Result<N>>,
): Record<string, ActionSchema> {
  const contract: ActionContract = actions[name];
  return {
    [withoutService(name)]: {
      params: contract.params,
      visibility: contract.rest || contract.socket ? "published" : "public",
      // Moleculer tries again only what the contract calls safe to repeat.
      ...(contract.repeatable ? { retryPolicy: { enabled: true } } : {}),
      handler(this: S, ctx: Ctx<N>) {
        requireAudience(contract, ctx.meta);
        return handler.call(this, ctx as Caller<N>);
      },
    } as unknown as ActionSchema,
  };
}

/** Asked once more here, behind the edge: a door that forgot to ask opens nothing. */
function requireAudience({ audience, scope }: ActionContract, { userId, role, keyId, scopes = [] }: Meta): void {
  if ((audience === "user" || audience === "admin") && !userId) throw problem("unauthenticated");
  if (audience === "admin" && role !== "admin") throw problem("forbidden");
  if (audience === "server" && !keyId) throw problem("unauthenticated");
  if (audience === "server" && scope && !scopes.includes(scope)) throw problem("user.missing_scope");
}

/** The handler of a contract's event, ready to be spread into a service's `events`. What nodes tell each other is not checked again. */
export function on<N extends EventName, S extends Service = Service>(
  name: N,
  handler: (this: S, payload: Payload<N>, ctx: Context<Payload<N>, Meta>) => void | Promise<void>,
): Record<string, EventSchema> {
  return {
    [name]: {
      handler(this: S, ctx: Context<Payload<N>, Meta>) {
        return handler.call(this, ctx.params, ctx);
      },
    },
  };
}

type Callable = Pick<ServiceBroker, "call">;
type Emitter = Pick<ServiceBroker, "emit" | "broadcast">;

/** Calls an action by its name; the compiler knows params and result. */
export function call<N extends ActionName>(
  from: Callable | Context<unknown, Meta>,
  name: N,
  params: Params<N>,
  options?: CallingOptions,
): Promise<Result<N>> {
  return (from as Callable).call<Result<N>, Params<N>>(name, params, options);
}

/** Tells one instance of each service that listens. May be lost. */
export function emit<N extends EventName>(from: Emitter, name: N, payload: Payload<N>): void {
  void from.emit(name, payload);
}

/** Tells every instance that listens. May be lost. */
export function broadcast<N extends EventName>(from: Emitter, name: N, payload: Payload<N>): void {
  void from.broadcast(name, payload);
}
