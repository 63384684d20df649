import { Type, type Static } from "@sinclair/typebox";
import { action } from "./define.ts";
import { Empty, Id, Time, nullable, object, pageOf } from "./shapes.ts";
import { Me, UserRole } from "./user.ts";

/** A user as administrators see one. */
export const AdminUser = object({
  ...Me.properties,
  name: Type.String(),
  ban: nullable(object({ reason: Type.String(), at: Time, until: nullable(Time) })),
  erasedAt: nullable(Time),
});
export type AdminUser = Static<typeof AdminUser>;

const ReportReason = Type.Union([Type.Literal("spam"), Type.Literal("abuse"), Type.Literal("illegal"), Type.Literal("other")]);
const ReportState = Type.Union([Type.Literal("open"), Type.Literal("resolved"), Type.Literal("dismissed")]);

export const Report = object({
  id: Id,
  by: Id,
  userId: Type.String({ format: "uuid", description: "Whom it is about." }),
  chatId: nullable(Id),
  messageId: nullable(Id),
  quote: nullable(Type.String({ description: "What the message said when it was reported." })),
  reason: ReportReason,
  text: Type.String(),
  state: ReportState,
  note: Type.String(),
  createdAt: Time,
  closedAt: nullable(Time),
  closedBy: nullable(Id),
});
export type Report = Static<typeof Report>;

/** An act of an administrator, or of the host's backend. */
export const Act = object({
  id: Id,
  at: Time,
  by: Type.String({ description: "A user, `key:` and the id of a server key, or `system`." }),
  action: Type.String({ description: "Such as user.admin.ban." }),
  target: nullable(Type.String()),
  address: Type.String({ description: "Where from." }),
  details: Type.Record(Type.String(), Type.Unknown()),
});
export type Act = Static<typeof Act>;

const Page = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 50 })),
  cursor: Type.Optional(Type.String({ maxLength: 400 })),
};
const Reason = Type.String({ maxLength: 1000 });

export const adminActions = {
  "user.role.get": action({
    summary: "The role of a user, for the gateway",
    audience: "service",
    params: object({ userId: Id }),
    returns: object({ role: UserRole }),
    repeatable: true,
  }),
  "user.admin.find": action({
    summary: "Find users: by id, externalId, exact address or the beginning of the name; all of them without a question",
    rest: "GET /admin/users",
    audience: "admin",
    params: object({ q: Type.Optional(Type.String({ minLength: 1, maxLength: 254 })), ...Page }),
    returns: pageOf(AdminUser),
    repeatable: true,
  }),
  "user.admin.get": action({
    summary: "A user",
    rest: "GET /admin/users/:userId",
    audience: "admin",
    params: object({ userId: Id }),
    returns: AdminUser,
    problems: ["user.not_found"],
    repeatable: true,
  }),
  "user.admin.ban": action({
    summary: "Close an account, for good or for a time: its sessions end everywhere within two seconds",
    rest: "PUT /admin/users/:userId/ban",
    audience: "admin",
    params: object({ userId: Id, reason: Type.Optional(Reason), until: Type.Optional(nullable(Time)) }),
    returns: AdminUser,
    problems: ["user.not_found", "user.not_oneself", "user.first_admin"],
    repeatable: true,
  }),
  "user.admin.unban": action({
    summary: "Open an account again",
    rest: "DELETE /admin/users/:userId/ban",
    audience: "admin",
    params: object({ userId: Id }),
    returns: AdminUser,
    problems: ["user.not_found"],
    repeatable: true,
  }),
  "user.admin.endSessions": action({
    summary: "End all sessions of a user",
    rest: "DELETE /admin/users/:userId/sessions",
    audience: "admin",
    status: [204],
    params: object({ userId: Id }),
    returns: Empty,
    problems: ["user.not_found"],
    repeatable: true,
  }),
  "user.admin.verify": action({
    summary: "Take a user's address for verified",
    rest: "POST /admin/users/:userId/verify",
    audience: "admin",
    params: object({ userId: Id }),
    returns: AdminUser,
    problems: ["user.not_found", "user.first_admin"],
    repeatable: true,
  }),
  "user.admin.changeRole": action({
    summary: "Make somebody an administrator, or one no longer",
    rest: "PUT /admin/users/:userId/role",
    audience: "admin",
    params: object({ userId: Id, role: UserRole }),
    returns: AdminUser,
    problems: ["user.not_found", "user.not_oneself", "user.first_admin"],
    repeatable: true,
  }),
  "user.report.create": action({
    summary: "Report a user, or a message that one can see",
    rest: "POST /reports",
    budget: "find",
    status: [201],
    params: object({
      userId: Type.Optional(Id),
      chatId: Type.Optional(Id),
      messageId: Type.Optional(Id),
      reason: ReportReason,
      text: Type.Optional(Type.String({ maxLength: 2000 })),
    }),
    returns: object({ id: Id }),
    problems: ["user.not_found", "chat.not_found", "chat.message_not_found"],
  }),
  "user.report.list": action({
    summary: "Reports, the latest first",
    rest: "GET /admin/reports",
    audience: "admin",
    params: object({ state: Type.Optional(ReportState), ...Page }),
    returns: pageOf(Report),
    repeatable: true,
  }),
  "user.report.change": action({
    summary: "Close a report, or open it again",
    rest: "PATCH /admin/reports/:reportId",
    audience: "admin",
    params: object({ reportId: Id, state: ReportState, note: Type.Optional(Reason) }),
    returns: Report,
    problems: ["user.report_not_found"],
    repeatable: true,
  }),
  "user.audit.list": action({
    summary: "What administrators did, the latest first",
    rest: "GET /admin/audit",
    audience: "admin",
    params: object({ by: Type.Optional(Id), target: Type.Optional(Type.String({ maxLength: 200 })), ...Page }),
    returns: pageOf(Act),
    repeatable: true,
  }),
  "user.audit.note": action({
    summary: "Put an act into the audit log, for services beside this one; answered once it is stored, before the act is done",
    audience: "service",
    params: object({
      by: Type.String(),
      action: Type.String(),
      target: nullable(Type.String()),
      address: Type.String(),
      details: Type.Record(Type.String(), Type.Unknown()),
    }),
    returns: Empty,
  }),
};
