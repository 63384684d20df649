import type { ActionName } from "@confab/contracts";

/** Who asks. Chats are of an owner who is none of them. */
export const askers = [
  "nobody",
  "a key without the scope",
  "a key with the scope",
  "a stranger",
  "an ex-member",
  "a blocked person",
  "a member",
  "an admin of the chat",
  "an administrator",
] as const;
export type Asker = (typeof askers)[number];

/** Short words of the table; everything else is a status, or the code of a problem. */
export const words: Record<string, string> = {
  U: "unauthenticated",
  F: "forbidden",
  S: "user.missing_scope",
  N: "chat.not_found",
  A: "chat.not_allowed",
};

/**
 * What every route answers to everybody, written by hand: a column for each of `askers`. Nothing here is derived from
 * the code that it judges.
 */
export const matrix: Partial<Record<ActionName, string>> = {
  // Anybody asks, with whatever in hand.
  "api.meta.get": "200 200 200 200 200 200 200 200 200",
  "api.document.openapi": "200 200 200 200 200 200 200 200 200",
  "api.document.asyncapi": "200 200 200 200 200 200 200 200 200",
  "user.code.request": "202 202 202 202 202 202 202 202 202",
  "user.account.register": "202 202 202 202 202 202 202 202 202",
  "user.password.forgot": "202 202 202 202 202 202 202 202 202",
  "user.code.verify": all("user.wrong_code"),
  "user.password.reset": all("user.wrong_code"),
  "user.session.login": all("user.wrong_credentials"),
  "user.session.exchange": all("user.bad_host_token"),
  "user.session.refresh": all("user.bad_refresh_token"),

  // Users about themselves.
  "user.session.confirm": own("user.wrong_credentials"),
  "user.session.list": own("200"),
  "user.session.remove": own("user.session_not_found"),
  "user.session.removeAll": own("204"),
  "user.session.end": own("204"),
  "user.password.change": own("204"),
  "user.email.change": own("202"),
  "user.email.confirm": own("user.wrong_code"),
  "user.totp.begin": own("200"),
  "user.totp.confirm": own("user.totp_not_begun"),
  "user.totp.remove": own("204"),
  "user.me.get": own("200"),
  "user.me.change": own("200"),
  "user.me.erase": own("202"),
  "user.avatar.put": own("200"),
  "user.avatar.remove": own("200"),
  "user.export.begin": own("202"),
  "user.export.get": own("200"),
  "user.profile.lookup": own("200"),
  "user.profile.find": own("200"),
  "chat.block.list": own("200"),
  "chat.block.add": own("204"),
  "chat.block.remove": own("204"),
  "chat.preference.get": own("200"),
  "chat.preference.change": own("200"),
  "chat.chat.list": own("200"),
  "chat.receipt.move": own("200"),
  "chat.sync.pull": own("200"),
  "chat.chat.create": own("201"),

  // The owner's profile: for those who met the owner in the chat.
  "user.profile.get": "U U U user.not_found 200 user.not_found 200 200 user.not_found",
  // A message of the owner's.
  "user.report.create": "U U U N N N 201 201 N",
  "chat.search.find": "U U U N N N 200 200 N",

  // The host's backend.
  "user.host.put": server("201"),
  "user.host.create": server("201"),
  "user.host.erase": server("user.not_found"),
  "user.host.vouch": server("200"),
  "user.host.endSessions": server("user.not_found"),
  "chat.host.put": server("201"),
  "chat.host.send": server("201"),

  // Administrators.
  "user.serverkey.create": admin("201"),
  "user.serverkey.list": admin("200"),
  "user.serverkey.remove": admin("user.key_not_found"),
  "user.admin.find": admin("200"),
  "user.admin.get": admin("200"),
  "user.admin.ban": admin("200"),
  "user.admin.unban": admin("200"),
  "user.admin.endSessions": admin("204"),
  "user.admin.verify": admin("200"),
  "user.admin.changeRole": admin("200"),
  "user.report.list": admin("200"),
  "user.report.change": admin("user.report_not_found"),
  "user.audit.list": admin("200"),
  "mail.admin.list": admin("200"),
  "mail.admin.dead": admin("200"),
  "mail.admin.explain": admin("200"),
  "mail.admin.forgive": admin("204"),
  "mail.admin.replay": admin("mail.job_not_found"),
  "mail.admin.replayDead": admin("200"),

  // Members of a chat; an administrator is none.
  "chat.chat.get": "U U U N N N 200 200 N",
  "chat.me.change": "U U U N N N 200 200 N",
  "chat.member.list": "U U U N N N 200 200 N",
  "chat.message.send": "U U U N N N 201 201 N",
  "chat.message.list": "U U U N N N 200 200 N",
  "chat.message.get": "U U U N N N 200 200 N",
  "chat.message.history": "U U U N N N 200 200 N",
  "chat.reaction.list": "U U U N N N 200 200 N",
  "chat.reaction.add": "U U U N N N 200 200 N",
  "chat.reaction.remove": "U U U N N N 200 200 N",
  "chat.pin.list": "U U U N N N 200 200 N",
  "chat.entry.list": "U U U N N N 200 200 N",
  "chat.receipt.list": "U U U N N N 200 200 N",
  // The message is the owner's.
  "chat.message.edit": "U U U N N N chat.not_author chat.not_author N",
  "chat.message.delete": "U U U N N N chat.not_author 200 N",
  // What a role allows.
  "chat.pin.add": "U U U N N N A 204 N",
  "chat.pin.remove": "U U U N N N A 204 N",
  "chat.chat.change": "U U U N N N A 200 N",
  "chat.member.add": "U U U N N N A 200 N",
  "chat.member.change": "U U U N N N A A N",
  // Somebody else is to be removed, a member.
  "chat.member.remove": "U U U N N N A 204 N",
  "chat.ban.list": "U U U N N N A 200 N",
  "chat.ban.add": "U U U N N N A 204 N",
  "chat.ban.remove": "U U U N N N A 204 N",
  "chat.invite.create": "U U U N N N A 201 N",
  "chat.invite.list": "U U U N N N A 200 N",
  "chat.invite.revoke": "U U U N N N A 204 N",
  // Who has the link may join; who is in already is.
  "chat.invite.accept": own("200"),
  // The owner alone.
  "chat.chat.delete": "U U U N N N A A N",
};

function all(outcome: string): string {
  return Array<string>(9).fill(outcome).join(" ");
}
function own(outcome: string): string {
  return ["U", "U", "U", ...Array<string>(6).fill(outcome)].join(" ");
}
function server(outcome: string): string {
  return ["U", "S", outcome, ...Array<string>(6).fill("U")].join(" ");
}
function admin(outcome: string): string {
  return ["U", "U", "U", ...Array<string>(5).fill("F"), outcome].join(" ");
}
