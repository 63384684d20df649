import { emit } from "@confab/mixins/define.ts";
import type { Env } from "@confab/mixins/settings.ts";
import { store } from "@confab/mixins/store/store.mixin.ts";
import type { ServiceSchema } from "moleculer";
import { chats } from "./actions/chats.ts";
import { messages } from "./actions/messages.ts";
import { sync } from "./actions/sync.ts";
import { split } from "./budget.ts";
import { ChatLog } from "./log.ts";
import { operators } from "./actions/operators.ts";
import { presentEntry } from "./present.ts";
import type { ChatService } from "./service.ts";
import { settings } from "./settings.ts";
import { ChatStore } from "./store/chat.store.ts";
import { WarmChats } from "./warm.ts";

export default (env?: Env): ServiceSchema =>
  ({
    name: "chat",
    mixins: [store(ChatStore.open)],
    settings: settings.read(env),
    actions: { ...chats, ...messages, ...sync, ...operators },
    async started(this: ChatService) {
      this.chats = new WarmChats(this.store, (err) => this.logger.warn("States could not be kept; they will be later.", err));
      // A hint to whoever shows it: it may be lost, the log is the truth.
      this.log = new ChatLog(this.store, this.chats, (entries) => {
        for (const part of split(entries)) emit(this.broker, "chat.entry.appended", { entries: part.map(presentEntry) });
      });
    },
    async stopped(this: ChatService) {
      await this.chats?.keep();
    },
  }) as unknown as ServiceSchema;
