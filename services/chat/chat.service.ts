import { emit } from "@confab/mixins/define.ts";
import type { Env, Values } from "@confab/mixins/settings.ts";
import { store } from "@confab/mixins/store/store.mixin.ts";
import type { Service, ServiceSchema } from "moleculer";
import { chats } from "./actions/chats.ts";
import { messages } from "./actions/messages.ts";
import { sync } from "./actions/sync.ts";
import { ChatLog } from "./log.ts";
import { presentEntry } from "./present.ts";
import { settings } from "./settings.ts";
import { ChatStore } from "./store/chat.store.ts";
import { WarmChats } from "./warm.ts";

export type ChatService = Service & {
  settings: Values<typeof settings.declarations>;
  store: ChatStore;
  chats: WarmChats;
  log: ChatLog;
};

export default (env?: Env): ServiceSchema =>
  ({
    name: "chat",
    mixins: [store(ChatStore.open)],
    settings: settings.read(env),
    actions: {
      ...chats,
      ...messages,
      ...sync,
      /** For operators: what this node's log has done since it started. */
      "log.stats": { visibility: "public", handler: (ctx: { service: ChatService }) => ctx.service.log.counts },
    },
    async started(this: ChatService) {
      this.chats = new WarmChats(this.store, (err) => this.logger.warn("States could not be kept; they will be later.", err));
      // A hint to whoever shows it: it may be lost, the log is the truth.
      this.log = new ChatLog(this.store, this.chats, (entries) =>
        emit(this.broker, "chat.entry.appended", { entries: entries.map(presentEntry) }),
      );
    },
    async stopped(this: ChatService) {
      await this.chats?.keep();
    },
  }) as unknown as ServiceSchema;
