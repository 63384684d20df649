import type { ActionContract } from "./define.ts";

/** Every word that an error can carry, with the HTTP status and the title that go with it. Words never change their meaning. */
export const problems = {
  // Any request can meet these.
  bad_input: { status: 422, title: "Some fields are not as they must be" },
  bad_json: { status: 400, title: "The body is not readable JSON" },
  bad_request: { status: 400, title: "The request is not readable" },
  unauthenticated: { status: 401, title: "Sign in first" },
  forbidden: { status: 403, title: "You may not do that" },
  forbidden_origin: { status: 403, title: "This origin is not allowed" },
  not_found: { status: 404, title: "There is nothing here" },
  method_not_allowed: { status: 405, title: "This method is not for this address" },
  request_timeout: { status: 408, title: "The request took too long to arrive" },
  too_large: { status: 413, title: "The request is too large" },
  unsupported_media_type: { status: 415, title: "The body must be application/json" },
  headers_too_large: { status: 431, title: "The headers are too large" },
  too_many_requests: { status: 429, title: "Too many requests" },
  internal: { status: 500, title: "Something went wrong on our side" },
  unavailable: { status: 503, title: "Not available just now, try again" },

  "user.wrong_code": { status: 401, title: "The code is wrong, used or too old" },
  "user.too_many_codes": { status: 429, title: "Too many codes were asked for" },
  "user.bad_refresh_token": { status: 401, title: "The refresh token is not valid" },
  "user.wrong_credentials": { status: 401, title: "The address or the password is wrong" },
  "user.too_many_tries": { status: 429, title: "Too many tries, wait a while" },
  "user.totp_required": { status: 401, title: "The second factor is wanted too" },
  "user.wrong_totp": { status: 401, title: "The code of the second factor is wrong or used" },
  "user.totp_is_on": { status: 409, title: "The second factor is on already" },
  "user.totp_not_begun": { status: 409, title: "Ask for a secret of the second factor first" },
  "user.recent_sign_in_required": { status: 403, title: "Sign in once more for that" },
  "user.banned": { status: 403, title: "This account is closed by an administrator" },
  "user.bad_host_token": { status: 401, title: "The host's token is not valid" },
  "user.missing_scope": { status: 403, title: "The server key is not good for that" },
  "user.session_not_found": { status: 404, title: "There is no such session" },
  "user.too_many_keys": { status: 422, title: "There are too many server keys" },
  "user.key_not_found": { status: 404, title: "There is no such server key" },
  "user.not_oneself": { status: 409, title: "Nobody does that to oneself" },
  "user.first_admin": { status: 409, title: "The settings make this user an administrator" },
  "user.report_not_found": { status: 404, title: "There is no such report" },
  "user.not_found": { status: 404, title: "There is no such user" },

  "chat.not_found": { status: 404, title: "There is no such chat" },
  "chat.too_many_members": { status: 422, title: "The chat would have too many members" },
  "chat.unknown_user": { status: 422, title: "There is no such user" },
  "chat.groups_only": { status: 409, title: "A direct chat has its two people and no rules" },
  "chat.not_allowed": { status: 403, title: "Your role in this chat does not allow that" },
  "chat.blocked": { status: 403, title: "This person does not want to hear from you" },
  "chat.banned": { status: 403, title: "This person is kept out of the chat" },
  "chat.slow_mode": { status: 429, title: "One message at a time in this chat" },
  "chat.member_not_found": { status: 404, title: "There is no such member in this chat" },
  "chat.last_owner": { status: 409, title: "A chat needs an owner: make somebody else one first" },
  "chat.message_not_found": { status: 404, title: "There is no such message in this chat" },
  "chat.message_deleted": { status: 409, title: "The message was deleted" },
  "chat.not_author": { status: 403, title: "This message is somebody else's" },
  "chat.edit_too_late": { status: 409, title: "The message is too old to be edited" },
  "chat.too_many_edits": { status: 422, title: "The message was edited too often" },
  "chat.too_many_reactions": { status: 422, title: "The message has too many different reactions" },
  "chat.too_many_pins": { status: 422, title: "The chat has too many pins" },
  "chat.too_many_bans": { status: 422, title: "The chat keeps too many people out" },
  "chat.too_many_invites": { status: 422, title: "The chat has too many links" },
  "chat.too_many_blocks": { status: 422, title: "You have blocked too many people" },
  "chat.invite_not_good": { status: 404, title: "This link does not exist, or is good no longer" },
  "chat.too_many_invitations": { status: 429, title: "Too many people were asked in by mail" },

  "mail.job_not_found": { status: 404, title: "There is no such mail" },
  "mail.job_not_dead": { status: 409, title: "This mail waits still, or was sent" },
  "mail.job_has_no_words": { status: 409, title: "What this mail said is no longer kept" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof problems;

/** What any request may answer, whatever it asks for. */
export const commonProblems = [
  "bad_input",
  "too_many_requests",
  "internal",
  "unavailable",
] as const satisfies readonly ProblemCode[];

/** What a door answers to whoever is not of the audience. */
export function audienceProblems({ audience, scope }: Pick<ActionContract, "audience" | "scope">): ProblemCode[] {
  if (audience === "user") return ["unauthenticated"];
  if (audience === "admin") return ["unauthenticated", "forbidden"];
  if (audience === "server") return scope ? ["unauthenticated", "user.missing_scope"] : ["unauthenticated"];
  return [];
}
