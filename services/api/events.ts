import { on } from "@confab/mixins/define.ts";
import type { ApiService } from "./gateway.ts";

export const events = on("user.session.ended", function (this: ApiService, { sessionId }) {
  // G6: at once where the event arrives; without it the session is believed for a second at most.
  this.sessions.forget(sessionId);
});
