import type { ActionName, Params, Result } from "@confab/contracts";
import { define, type Ctx } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import type { ActionSchema } from "moleculer";
import type { IoService } from "../service.ts";
import type { UserSocket } from "../sockets.ts";

/**
 * The handler of what a client asks of its own socket. Private, which is to say that only this service can call it:
 * neither REST nor another node knows of it.
 */
export function own<N extends ActionName>(
  name: N,
  handler: (this: IoService, socket: UserSocket, params: Params<N>) => Promise<Result<N>>,
): Record<string, ActionSchema> {
  const defined = define<N, IoService>(name, function (ctx) {
    const socket = this.io.sockets.sockets.get((ctx as Ctx<N>).meta["socketId"] as string) as unknown as UserSocket | undefined;
    if (!socket) throw problem("unauthenticated", { detail: "The socket has closed" });
    return handler.call(this, socket, ctx.params);
  });
  return Object.fromEntries(Object.entries(defined).map(([short, schema]) => [short, { ...schema, visibility: "private" }]));
}
