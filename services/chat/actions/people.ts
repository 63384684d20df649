import { define } from "@confab/mixins/define.ts";
import { exportPage } from "../exporting.ts";
import { isNew, haveMet } from "../policies.ts";
import type { ChatService } from "../service.ts";
import { defaultPreferences, subjects } from "../userlog.ts";

const mostPeople = 2000;

/** What the user service asks about people. */
export const people = {
  ...define("chat.people.shared", async function (this: ChatService, ctx) {
    const { userId, userIds } = ctx.params;
    const states = await this.memberships.read(userId, (chatIds) => this.chats.latestOf(chatIds));
    if (userIds) return { userIds: userIds.filter((other) => states.some((state) => haveMet(state, userId, other))) };
    const met = new Set<string>();
    for (const state of states.filter((one) => !isNew(one)).sort((a, b) => b.changedAt - a.changedAt)) {
      for (const other of [...state.members.keys(), ...state.past.keys()]) {
        if (met.size === mostPeople) break;
        if (haveMet(state, userId, other)) met.add(other);
      }
    }
    return { userIds: [...met] };
  }),

  ...define("chat.people.findable", async function (this: ChatService, ctx) {
    const { userId, by } = ctx.params;
    const found = await this.userLog.read(userId, [subjects.preferences, subjects.block(by)]);
    const preferences = found.get(subjects.preferences);
    const block = found.get(subjects.block(by));
    const isBlocked = block?.type === "block.changed" && block.body.blocked;
    const { findable } = { ...defaultPreferences, ...(preferences?.type === "preferences.changed" ? preferences.body : {}) };
    return { findable: findable && !isBlocked };
  }),

  ...define("chat.person.export", async function (this: ChatService, ctx) {
    return exportPage(this, ctx.params.userId, ctx.params.cursor);
  }),
};
