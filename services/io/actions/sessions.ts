import { problem } from "@confab/mixins/problem.ts";
import { own } from "./own.ts";

export const sessions = own("io.session.refresh", async function (socket, { token }) {
  const { userId, sessionId, expiresAt } = await this.sessions.identify(token);
  const isSame = userId === socket.data.userId && sessionId === socket.data.sessionId;
  if (!isSame) throw problem("unauthenticated", { detail: "The token is of another session" });
  Object.assign(socket.data, { expiresAt, isWarned: false });
  return { expiresIn: Math.max(0, Math.floor(expiresAt - Date.now() / 1000)) };
});
