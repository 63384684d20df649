import type { IncomingMessage, Server as HttpServer } from "node:http";
import type { UserEntry } from "@confab/contracts";
import type { Rates } from "@confab/mixins/rates.ts";
import type { Sessions } from "@confab/mixins/sessions.ts";
import type { Service } from "moleculer";
import type { Server } from "socket.io";
import type { Cluster } from "./cluster.adapter.ts";
import type { Fanout } from "./fanout.ts";
import type { Heads } from "./heads.ts";
import type { Membership } from "./membership.ts";
import type { Presences } from "./presence.ts";
import type { ToldEntry } from "./relay.ts";
import type { IoSettings } from "./settings.ts";
import type { SlowReaders } from "./slow.ts";
import type { UserSocket } from "./sockets.ts";

/** What the handlers of io find on `this`. */
export type IoService = Service & {
  settings: IoSettings;
  io: Server;
  /** What the mixin attaches Socket.io to. */
  server: HttpServer;
  sessions: Sessions;
  rates: Rates;
  /** Where a request comes from. */
  addressOf: (req: IncomingMessage) => string;
  /** The logs of the chats and of the people that this node has sockets of. */
  chats: Fanout<ToldEntry>;
  users: Fanout<UserEntry>;
  membership: Membership;
  heads: Heads;
  presences: Presences<UserSocket>;
  slow: SlowReaders;
  cluster: Cluster;
  /** Client events that have not been answered yet. */
  inFlight: number;
  /** Whether this node is taking leave, and answers no more than it was asked before. */
  leaving: boolean;
  watch: NodeJS.Timeout;
};
