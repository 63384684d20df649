import { isProblem, toProblem } from "@confab/mixins/problem.ts";
import type { IoService } from "./service.ts";
import type { Connection } from "./slow.ts";
import { cut, cutSession, send, socketsOf } from "./sockets.ts";

/** Milliseconds between two looks at open sockets (G6: within two seconds, also where the event is lost). */
export const watchEvery = 1000;
/** Milliseconds before the end of a token at which its client is told. */
const warnBefore = 60_000;

/** Cuts off whose token has run out, who does not read, and whose session has ended. */
export async function watchSockets(service: IoService): Promise<void> {
  const now = Date.now();
  const sessionIds = new Set<string>();
  for (const socket of socketsOf(service)) {
    const left = socket.data.expiresAt * 1000 - now;
    if (left <= 0) {
      cut(socket);
      continue;
    }
    if (left <= warnBefore && !socket.data.isWarned) {
      socket.data.isWarned = true;
      send(socket, "session:expiring", { expiresIn: Math.floor(left / 1000) });
    }
    service.slow.look(socket.conn as unknown as Connection);
    sessionIds.add(socket.data.sessionId);
  }
  if (sessionIds.size === 0) return;
  try {
    // G6: a session that ended is cut off here too when nobody told us.
    const alive = await service.sessions.alive([...sessionIds]);
    for (const sessionId of sessionIds) if (!alive.has(sessionId)) cutSession(service, sessionId);
  } catch (err) {
    // Where the user service is away nobody is thrown out for that; the next look is a second from now.
    if (!isProblem(toProblem(err), "unavailable")) service.logger.error("Sessions could not be looked up", err);
  }
}
