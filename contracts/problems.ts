/** Every word that an error can carry, with the HTTP status and the title that go with it. Words never change their meaning. */
export const problems = {
  // Any request can meet these.
  bad_input: { status: 422, title: "Some fields are not as they must be" },
  bad_json: { status: 400, title: "The body is not readable JSON" },
  bad_request: { status: 400, title: "The request is not readable" },
  unauthenticated: { status: 401, title: "Sign in first" },
  forbidden_origin: { status: 403, title: "This origin is not allowed" },
  not_found: { status: 404, title: "There is nothing here" },
  method_not_allowed: { status: 405, title: "This method is not for this address" },
  request_timeout: { status: 408, title: "The request took too long to arrive" },
  too_large: { status: 413, title: "The request is too large" },
  unsupported_media_type: { status: 415, title: "The body must be application/json" },
  headers_too_large: { status: 431, title: "The headers are too large" },
  internal: { status: 500, title: "Something went wrong on our side" },
  unavailable: { status: 503, title: "Not available just now, try again" },

  "user.wrong_code": { status: 401, title: "The code is wrong, used or too old" },
  "user.too_many_codes": { status: 429, title: "Too many codes were asked for" },
  "user.bad_refresh_token": { status: 401, title: "The refresh token is not valid" },
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
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof problems;

/** What any request may answer, whatever it asks for. */
export const commonProblems = ["bad_input", "internal", "unavailable"] as const satisfies readonly ProblemCode[];
