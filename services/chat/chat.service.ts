import { emit } from "@confab/mixins/define.ts";
import { Outbox } from "@confab/mixins/outbox.ts";
import type { Env } from "@confab/mixins/settings.ts";
import { store } from "@confab/mixins/store/store.mixin.ts";
import type { ServiceSchema } from "moleculer";
import { bans } from "./actions/bans.ts";
import { chats } from "./actions/chats.ts";
import { digests } from "./actions/digests.ts";
import { erasing } from "./actions/erasing.ts";
import { host } from "./actions/host.ts";
import { invites } from "./actions/invites.ts";
import { me } from "./actions/me.ts";
import { members } from "./actions/members.ts";
import { messages } from "./actions/messages.ts";
import { operators } from "./actions/operators.ts";
import { people } from "./actions/people.ts";
import { pins } from "./actions/pins.ts";
import { reactions } from "./actions/reactions.ts";
import { receipts } from "./actions/receipts.ts";
import { search } from "./actions/search.ts";
import { sync } from "./actions/sync.ts";
import { Blocks } from "./blocks.ts";
import { split } from "./budget.ts";
import { ChatLog } from "./log.ts";
import { Memberships } from "./memberships.ts";
import { hiddenIn, presentEntry, presentUserEntry } from "./present.ts";
import { concernsMembers, Projector } from "./projector.ts";
import type { ChatService } from "./service.ts";
import { settings } from "./settings.ts";
import { ChatStore } from "./store/chat.store.ts";
import { migrations } from "./store/migrations/index.ts";
import type { StoredEntry } from "./store/documents.ts";
import { UserLog } from "./userlog.ts";
import { WarmChats } from "./warm.ts";

export default (env?: Env): ServiceSchema =>
  ({
    name: "chat",
    mixins: [store(ChatStore.open, migrations)],
    settings: settings.read(env),
    actions: {
      ...chats,
      ...members,
      ...bans,
      ...invites,
      ...messages,
      ...reactions,
      ...pins,
      ...receipts,
      ...me,
      ...sync,
      ...search,
      ...operators,
      ...host,
      ...people,
      ...digests,
      ...erasing,
    },
    async started(this: ChatService) {
      this.userLog = new UserLog(this.store, (userId, entry) =>
        emit(this.broker, "chat.user.appended", { userId, entry: presentUserEntry(entry) }),
      );
      this.blocks = new Blocks(this.userLog);
      this.chats = new WarmChats(this.store, new Projector(this.store, this.userLog), {
        onError: (err) => this.logger.warn("States could not be kept; they will be later.", err),
        onRebuild: (chatIds) =>
          this.logger.warn(`The log does not reach what was derived from it, which is rebuilt, in: ${chatIds.join(", ")}`),
      });
      // G10: at open only the latest; every other one is compared with the log when it is first read.
      if (!this.store.shared) await this.chats.check();
      this.memberships = new Memberships(this.store);
      this.log = new ChatLog(this.store, this.chats, (entries) => tell(this, entries));
      this.outbox = new Outbox({ broker: this.broker, logger: this.logger, collections: this.store.mailing });
    },
    async stopped(this: ChatService) {
      await Promise.all([this.outbox?.stop(), this.chats?.close()]);
    },
  }) as unknown as ServiceSchema;

/** Hints to whoever shows what happened: they may be lost, the log is the truth. */
function tell(service: ChatService, entries: StoredEntry[]): void {
  for (const part of split(entries)) {
    const hidden = hiddenIn(part, (chatId) => service.chats.peek(chatId));
    const told = part.map((entry) => presentEntry(entry));
    emit(service.broker, "chat.entry.appended", { entries: told, ...(hidden.length > 0 ? { hidden } : {}) });
  }
  // Whoever came or went hears of it at once, and not when the projections have their turn.
  const chatIds = new Set(entries.filter(concernsMembers).map(({ chatId }) => chatId));
  const states = [...chatIds].flatMap((chatId) => service.chats.peek(chatId) ?? []);
  if (states.length === 0) return;
  service.chats.project(states).catch((err: unknown) => service.logger.warn("Members' logs will follow later.", err));
}
