import { on } from "@confab/mixins/define.ts";
import type { ApiService } from "./gateway.ts";

// G6: at once where the event arrives; without it a session is believed for a second at most.
export const events = {
  ...on("user.session.ended", function (this: ApiService, { sessionId }) {
    this.sessions.forget(sessionId);
  }),
  ...on("user.sessions.ended", function (this: ApiService, { userId, except }) {
    this.sessions.forgetUser(userId, except);
  }),
};
