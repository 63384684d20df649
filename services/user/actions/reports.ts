import { call, define } from "@confab/mixins/define.ts";
import { badField, problem } from "@confab/mixins/problem.ts";
import { v7 as uuid } from "uuid";
import { noteAct } from "../accounts.ts";
import { visibleTo } from "../directory.ts";
import { presentReport } from "../present.ts";
import type { UserService } from "../service.ts";
import { readPlace, writePlace } from "./audits.ts";

export const reports = {
  ...define("user.report.create", async function (this: UserService, ctx) {
    const { userId: by } = ctx.meta;
    const { userId, chatId, messageId, reason, text = "" } = ctx.params;
    const about = messageId !== undefined || chatId !== undefined ? "message" : "user";
    const missing = (about === "message" ? { chatId, messageId } : { userId }) as Record<string, string | undefined>;
    const errors = Object.entries(missing)
      .filter(([, id]) => id === undefined)
      .map(([field]) => ({
        field,
        code: "required",
        message: "is missing: a report is about a user, or about a message of a chat",
      }));
    if (errors.length > 0) throw problem("bad_input", { errors });

    // A message is read with the reporter's eyes, and what it says is kept as it is now.
    const message =
      about === "message"
        ? (await call(this.broker, "chat.message.get", { chatId: chatId!, messageId: messageId! }, { meta: { userId: by } }))
            .message
        : undefined;
    const whom = message?.senderId ?? userId!;
    if (userId !== undefined && userId !== whom) throw badField("userId", "sender", "is not who sent the message");
    if (whom === by) throw badField(message ? "messageId" : "userId", "oneself", "is one's own");
    if (!message && (await visibleTo(this, by, [whom])).length === 0) throw problem("user.not_found");

    const report = await this.store.admin.addReport({
      ...{ _id: uuid(), openKey: [by, whom, messageId ?? ""].join(":"), by, userId: whom, reason, text },
      ...{ chatId: chatId ?? null, messageId: messageId ?? null, quote: message?.text ?? null },
      ...{ state: "open", note: "", createdAt: Date.now(), closedAt: null, closedBy: null },
    });
    return { id: report._id };
  }),

  ...define("user.report.list", async function (this: UserService, ctx) {
    const { state, limit = 50, cursor } = ctx.params;
    const before = cursor === undefined ? undefined : readPlace(cursor);
    await noteAct(this, ctx.meta, { action: "user.report.list", details: state === undefined ? {} : { state } });
    const found = await this.store.admin.reportsBefore(state === undefined ? {} : { state }, limit, before);
    return { items: found.map(presentReport), nextCursor: writePlace(found, limit) };
  }),

  ...define("user.report.change", async function (this: UserService, ctx) {
    const { reportId, state, note } = ctx.params;
    const { userId } = ctx.meta;
    if (!(await this.store.admin.reportById(reportId))) throw problem("user.report_not_found");
    await noteAct(this, ctx.meta, { action: "user.report.change", target: reportId, details: { state } });
    const isClosed = state !== "open";
    const changed = await this.store.admin.changeReport(reportId, {
      state,
      ...(note === undefined ? {} : { note }),
      closedAt: isClosed ? Date.now() : null,
      closedBy: isClosed ? userId : null,
    });
    if (!changed) throw problem("user.report_not_found");
    return presentReport(changed);
  }),
};
