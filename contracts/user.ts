import { Type, type Static } from "@sinclair/typebox";
import { action, event } from "./define.ts";
import { Data, Email, Empty, ExternalId, Id, Name, NewPassword, Time, nullable, object, pageOf } from "./shapes.ts";

/** What others see of a user; never an address. Somebody whose account was erased has an empty name. */
export const Profile = object({
  id: Id,
  name: Type.String({ maxLength: 100 }),
  avatar: nullable(Type.String({ description: "Where the picture is, without a token: a path on this server." })),
  data: Data,
});
export type Profile = Static<typeof Profile>;

export const UserRole = Type.Union([Type.Literal("user"), Type.Literal("admin")]);
export type UserRole = Static<typeof UserRole>;

/** What users see of themselves. */
export const Me = object({
  id: Id,
  externalId: nullable(ExternalId),
  name: Name,
  avatar: Profile.properties.avatar,
  data: Data,
  email: nullable(Email),
  emailVerified: Type.Boolean(),
  hasPassword: Type.Boolean(),
  hasTotp: Type.Boolean(),
  role: UserRole,
  eraseAt: nullable(Time),
  createdAt: Time,
});
export type Me = Static<typeof Me>;

const tokens = {
  accessToken: Type.String({ description: "A JWT for `Authorization: Bearer`." }),
  refreshToken: Type.String({ description: "Opaque; every use answers the next one." }),
  expiresIn: Type.Integer({ description: "Seconds that the access token is good for." }),
};
export const SignedIn = object({ user: Me, ...tokens });
export type SignedIn = Static<typeof SignedIn>;
export const Tokens = object(tokens);

export const Session = object({
  id: Id,
  device: Type.String({ description: "The user agent that signed in." }),
  address: Type.String({ description: "Where from." }),
  createdAt: Time,
  lastUsedAt: Type.String({ format: "date-time", description: "When its tokens were last renewed." }),
  current: Type.Boolean({ description: "Whether it is the one that asks." }),
});
export type Session = Static<typeof Session>;

/** A mailed code on its way back. */
const Flow = object({ flowId: Id, expiresIn: Type.Integer({ description: "Seconds that the code is good for." }) });
const Code = Type.String({ pattern: "^[0-9]{6}$" });
const Totp = Type.String({
  pattern: "^([0-9]{6}|[a-z2-7]{5}-[a-z2-7]{5})$",
  description: "Six digits of the second factor, or one of its recovery codes.",
});
/** Any, to be compared: what is too long for a password is none. */
const GivenPassword = Type.String({ minLength: 1, maxLength: 128 });
const secondFactor = ["user.totp_required", "user.wrong_totp", "user.too_many_tries", "user.banned"] as const;

/** A public key as in RFC 7517. */
export const PublicKey = object({
  kty: Type.Literal("EC"),
  crv: Type.Literal("P-256"),
  x: Type.String(),
  y: Type.String(),
  kid: Type.String(),
  alg: Type.Literal("ES256"),
  use: Type.Literal("sig"),
});
export type PublicKey = Static<typeof PublicKey>;

/** An archive of all that is held of a user. */
export const Export = object({
  state: Type.Union([Type.Literal("none"), Type.Literal("preparing"), Type.Literal("ready")]),
  requestedAt: nullable(Time),
  expiresAt: nullable(Time),
  bytes: nullable(Type.Integer()),
  url: nullable(
    Type.String({ description: "Where the archive is: a path on this server. Whoever has it can read the archive." }),
  ),
});
export type Export = Static<typeof Export>;

export const userActions = {
  "user.code.request": action({
    summary: "Mail a sign-in code; the answer is the same for known and unknown addresses",
    rest: "POST /auth/code",
    audience: "anyone",
    offered: "code",
    budget: "sign-in",
    status: [202],
    params: object({ email: Email }),
    returns: Flow,
    problems: ["user.too_many_codes"],
  }),
  "user.account.register": action({
    summary: "Ask for an account with a password; it waits for the mailed code. The answer is the same for known addresses",
    rest: "POST /auth/register",
    audience: "anyone",
    offered: "own",
    budget: "sign-in",
    status: [202],
    params: object({ email: Email, password: NewPassword, name: Name }),
    returns: Flow,
    problems: ["user.too_many_codes"],
  }),
  "user.code.verify": action({
    summary: "Sign in by a mailed code, or sign up where the address is new",
    rest: "POST /auth/verify",
    audience: "anyone",
    offered: "own",
    budget: "sign-in",
    params: object({ flowId: Id, code: Code, name: Type.Optional(Name), totp: Type.Optional(Totp) }),
    returns: SignedIn,
    problems: ["user.wrong_code", ...secondFactor],
  }),
  "user.session.login": action({
    summary: "Sign in by password",
    rest: "POST /auth/login",
    audience: "anyone",
    offered: "own",
    budget: "sign-in",
    params: object({ email: Email, password: GivenPassword, totp: Type.Optional(Totp) }),
    returns: SignedIn,
    problems: ["user.wrong_credentials", ...secondFactor],
  }),
  "user.session.exchange": action({
    summary: "Sign in by a token that the host signed; who is new becomes a user",
    rest: "POST /auth/exchange",
    audience: "anyone",
    offered: "host",
    budget: "sign-in",
    params: object({ token: Type.String({ minLength: 1, maxLength: 8192 }), totp: Type.Optional(Totp) }),
    returns: SignedIn,
    problems: ["user.bad_host_token", ...secondFactor],
  }),
  "user.session.confirm": action({
    summary: "Give the password once more, where something wants a recent sign-in",
    rest: "POST /auth/confirm",
    offered: "own",
    budget: "sign-in",
    status: [204],
    params: object({ password: GivenPassword, totp: Type.Optional(Totp) }),
    returns: Empty,
    problems: ["user.wrong_credentials", ...secondFactor],
  }),
  "user.session.refresh": action({
    summary: "Exchange a refresh token for the next pair",
    rest: "POST /auth/refresh",
    audience: "anyone",
    params: object({ refreshToken: Type.String({ minLength: 1, maxLength: 512 }) }),
    returns: Tokens,
    problems: ["user.bad_refresh_token"],
  }),
  "user.session.end": action({
    summary: "Sign out: end this session everywhere",
    rest: "POST /auth/logout",
    status: [204],
    params: object({}),
    returns: Empty,
    repeatable: true,
  }),
  "user.session.list": action({
    summary: "My sessions, the latest first",
    rest: "GET /auth/sessions",
    params: object({}),
    returns: object({ items: Type.Array(Session) }),
    repeatable: true,
  }),
  "user.session.remove": action({
    summary: "End one of my sessions",
    rest: "DELETE /auth/sessions/:sessionId",
    status: [204],
    params: object({ sessionId: Id }),
    returns: Empty,
    problems: ["user.session_not_found"],
  }),
  "user.session.removeAll": action({
    summary: "End all of my sessions",
    rest: "DELETE /auth/sessions",
    status: [204],
    params: object({ others: Type.Optional(Type.Boolean({ description: "Not the one that asks." })) }),
    returns: Empty,
    repeatable: true,
  }),
  "user.session.check": action({
    summary: "Which of these sessions are alive",
    audience: "service",
    params: object({ sessionIds: Type.Array(Id, { maxItems: 10_000 }) }),
    returns: object({ alive: Type.Array(Id) }),
    repeatable: true,
  }),
  "user.key.list": action({
    summary: "The public keys that access tokens are signed with",
    audience: "service",
    params: object({}),
    returns: object({ keys: Type.Array(PublicKey) }),
    repeatable: true,
  }),

  "user.password.forgot": action({
    summary: "Mail a code for a new password; the answer is the same for known and unknown addresses",
    rest: "POST /auth/password/forgot",
    audience: "anyone",
    offered: "own",
    budget: "sign-in",
    status: [202],
    params: object({ email: Email }),
    returns: Flow,
    problems: ["user.too_many_codes"],
  }),
  "user.password.reset": action({
    summary: "Set a new password by a mailed code, and sign in; all other sessions end",
    rest: "POST /auth/password/reset",
    audience: "anyone",
    offered: "own",
    budget: "sign-in",
    params: object({ flowId: Id, code: Code, password: NewPassword, totp: Type.Optional(Totp) }),
    returns: SignedIn,
    problems: ["user.wrong_code", ...secondFactor],
  }),
  "user.password.change": action({
    summary: "Change my password, or set a first one after a recent sign-in; all other sessions end",
    rest: "PUT /auth/password",
    offered: "own",
    budget: "sign-in",
    status: [204],
    params: object({ password: NewPassword, current: Type.Optional(GivenPassword) }),
    returns: Empty,
    problems: ["user.wrong_credentials", "user.too_many_tries", "user.recent_sign_in_required"],
  }),
  "user.email.change": action({
    summary: "Ask for another address; it is mailed a code. Wants a recent sign-in",
    rest: "PUT /auth/email",
    offered: "own",
    budget: "sign-in",
    status: [202],
    params: object({ email: Email }),
    returns: Flow,
    problems: ["user.too_many_codes", "user.recent_sign_in_required"],
  }),
  "user.email.confirm": action({
    summary: "Take the new address by the code that it was mailed; the old one is told",
    rest: "POST /auth/email/confirm",
    offered: "own",
    budget: "sign-in",
    params: object({ flowId: Id, code: Code }),
    returns: Me,
    problems: ["user.wrong_code"],
  }),
  "user.totp.begin": action({
    summary: "Ask for the secret of a second factor. Wants a recent sign-in",
    rest: "POST /auth/totp",
    offered: "own",
    params: object({}),
    returns: object({
      secret: Type.String({ description: "In base32." }),
      uri: Type.String({ description: "otpauth://, for a QR code." }),
    }),
    problems: ["user.recent_sign_in_required", "user.totp_is_on"],
  }),
  "user.totp.confirm": action({
    summary: "Turn the second factor on by its first code; answers the recovery codes, this once",
    rest: "POST /auth/totp/confirm",
    offered: "own",
    budget: "sign-in",
    params: object({ code: Code }),
    returns: object({ recoveryCodes: Type.Array(Type.String()) }),
    problems: [
      "user.recent_sign_in_required",
      "user.totp_is_on",
      "user.totp_not_begun",
      "user.wrong_totp",
      "user.too_many_tries",
    ],
  }),
  "user.totp.remove": action({
    summary: "Turn the second factor off. Wants a recent sign-in",
    rest: "DELETE /auth/totp",
    offered: "own",
    status: [204],
    params: object({}),
    returns: Empty,
    problems: ["user.recent_sign_in_required"],
    repeatable: true,
  }),

  "user.me.get": action({
    summary: "My own account",
    rest: "GET /users/me",
    params: object({}),
    returns: Me,
    repeatable: true,
  }),
  "user.me.change": action({
    summary: "Change my profile",
    rest: "PATCH /users/me",
    params: object({ name: Type.Optional(Name), data: Type.Optional(Data) }),
    returns: Me,
    repeatable: true,
  }),
  "user.me.erase": action({
    summary:
      "Erase my account after the grace; all sessions end, and signing in before then calls it off. Wants a recent sign-in",
    rest: "DELETE /users/me",
    status: [202],
    params: object({}),
    returns: object({ eraseAt: Time }),
    problems: ["user.recent_sign_in_required"],
  }),
  "user.avatar.put": action({
    summary: "Change my picture; it is cut square and made small, and nothing else of the file is kept",
    rest: "PUT /users/me/avatar",
    budget: "find",
    maxBody: 8 * 1_048_576,
    params: object({
      image: Type.String({
        maxLength: 8 * 1_048_576,
        contentEncoding: "base64",
        description: "A JPEG, PNG, WebP or GIF, in base64.",
      }),
    }),
    returns: Me,
  }),
  "user.avatar.remove": action({
    summary: "Have no picture",
    rest: "DELETE /users/me/avatar",
    params: object({}),
    returns: Me,
    repeatable: true,
  }),
  "user.avatar.read": action({
    summary: "A picture, for the gateway",
    audience: "service",
    params: object({ avatarId: Id }),
    returns: nullable(object({ type: Type.String(), base64: Type.String() })),
    repeatable: true,
  }),
  "user.export.begin": action({
    summary: "Have an archive made of all that is held of me; its link is mailed when it is ready. Wants a recent sign-in",
    rest: "POST /users/me/export",
    budget: "find",
    status: [202],
    params: object({}),
    returns: Export,
    problems: ["user.recent_sign_in_required"],
    repeatable: true,
  }),
  "user.export.get": action({
    summary: "How far my archive is. Its link wants a recent sign-in too, and is null without",
    rest: "GET /users/me/export",
    params: object({}),
    returns: Export,
    repeatable: true,
  }),
  "user.export.read": action({
    summary: "A part of an archive, for the gateway",
    audience: "service",
    params: object({ exportId: Id, token: Type.String({ maxLength: 100 }), part: Type.Integer({ minimum: 0 }) }),
    returns: nullable(object({ base64: Type.String(), parts: Type.Integer(), bytes: Type.Integer() })),
    repeatable: true,
  }),

  "user.profile.get": action({
    summary: "The profile of a user",
    rest: "GET /users/:userId",
    params: object({ userId: Id }),
    returns: Profile,
    problems: ["user.not_found"],
    repeatable: true,
  }),
  "user.profile.lookup": action({
    summary: "The profiles of several users; those that one may not see are left out",
    rest: "POST /users/lookup",
    params: object({ userIds: Type.Array(Id, { maxItems: 100, uniqueItems: true }) }),
    returns: object({ items: Type.Array(Profile) }),
    repeatable: true,
  }),
  "user.profile.find": action({
    summary: "Find people by the beginning of their name, or by their exact e-mail address",
    rest: "GET /users",
    budget: "find",
    params: object({
      q: Type.String({ minLength: 1, maxLength: 254, pattern: "\\S" }),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
      cursor: Type.Optional(Type.String({ maxLength: 700 })),
    }),
    returns: pageOf(Profile),
    repeatable: true,
  }),
  "user.recipient.list": action({
    summary:
      "Where people may be mailed what they did not ask for just now: who has no proved address, or is banned or being erased, is left out",
    audience: "service",
    params: object({ userIds: Type.Array(Id, { maxItems: 1000 }) }),
    returns: object({ items: Type.Array(object({ userId: Id, email: Email, name: Type.String() })) }),
    repeatable: true,
  }),
  "user.recipient.find": action({
    summary: "Whose address it is, and whether they may be mailed what they did not ask for just now",
    audience: "service",
    params: object({ email: Type.String({ maxLength: 254 }) }),
    returns: object({
      user: nullable(
        object({
          userId: Id,
          isProved: Type.Boolean({ description: "Whether they have shown that the address is theirs." }),
          isOpen: Type.Boolean({ description: "Neither banned nor to be erased." }),
        }),
      ),
    }),
    repeatable: true,
  }),
  "user.profile.known": action({
    summary: "Which of these users exist",
    audience: "service",
    params: object({ userIds: Type.Array(Id, { maxItems: 10_000 }) }),
    returns: object({ userIds: Type.Array(Id) }),
    repeatable: true,
  }),
};

export const userEvents = {
  "user.session.ended": event({
    summary: "A session ended: sockets that stand on it are to be closed",
    payload: object({ userId: Id, sessionId: Id }),
  }),
  "user.sessions.ended": event({
    summary: "All of a user's sessions ended, or all but one",
    payload: object({ userId: Id, except: nullable(Id) }),
  }),
};
