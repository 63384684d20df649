import type { Server as HttpServer } from "node:http";
import type { Sessions } from "@confab/mixins/sessions.ts";
import type { Service } from "moleculer";
import type { Server } from "socket.io";
import type { Cluster } from "./cluster.adapter.ts";
import type { Fanout } from "./fanout.ts";
import type { IoSettings } from "./settings.ts";

/** What the handlers of io find on `this`. */
export type IoService = Service & {
  settings: IoSettings;
  io: Server;
  /** What the mixin attaches Socket.io to. */
  server: HttpServer;
  sessions: Sessions;
  fanout: Fanout;
  cluster: Cluster;
  /** Client events that have not been answered yet. */
  inFlight: number;
  /** Whether this node is taking leave, and answers no more than it was asked before. */
  leaving: boolean;
  watch: NodeJS.Timeout;
};
