import type { Values } from "@confab/mixins/settings.ts";
import type { Outbox } from "@confab/mixins/outbox.ts";
import type { Service } from "moleculer";
import type { Blocks } from "./blocks.ts";
import type { ChatLog } from "./log.ts";
import type { Memberships } from "./memberships.ts";
import type { settings } from "./settings.ts";
import type { ChatStore } from "./store/chat.store.ts";
import type { UserLog } from "./userlog.ts";
import type { WarmChats } from "./warm.ts";

/** What the handlers of chat find on `this`. */
export type ChatService = Service & {
  settings: Values<typeof settings.declarations>;
  store: ChatStore;
  chats: WarmChats;
  memberships: Memberships;
  log: ChatLog;
  userLog: UserLog;
  blocks: Blocks;
  outbox: Outbox<keyof ChatStore["mailing"]>;
};
