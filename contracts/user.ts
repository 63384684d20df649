import { Type, type Static } from "@sinclair/typebox";
import { action, event } from "./define.ts";
import { Email, Empty, Id, Name, Time, nullable, object, pageOf } from "./shapes.ts";

/** What others see of a user; never an address. */
export const Profile = object({ id: Id, name: Name });
export type Profile = Static<typeof Profile>;

/** What users see of themselves. */
export const Me = object({ id: Id, name: Name, email: nullable(Email), createdAt: Time });
export type Me = Static<typeof Me>;

const tokens = {
  accessToken: Type.String({ description: "A JWT for `Authorization: Bearer`." }),
  refreshToken: Type.String({ description: "Opaque; every use answers the next one." }),
  expiresIn: Type.Integer({ description: "Seconds that the access token is good for." }),
};
export const SignedIn = object({ user: Me, ...tokens });
export type SignedIn = Static<typeof SignedIn>;
export const Tokens = object(tokens);

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

export const userActions = {
  "user.code.request": action({
    summary: "Mail a sign-in code; the answer is the same for known and unknown addresses",
    rest: "POST /auth/code",
    audience: "anyone",
    status: [202],
    params: object({ email: Email }),
    returns: object({ flowId: Id, expiresIn: Type.Integer({ description: "Seconds that the code is good for." }) }),
    problems: ["user.too_many_codes"],
  }),
  "user.code.verify": action({
    summary: "Sign in by a mailed code, or sign up where the address is new",
    rest: "POST /auth/verify",
    audience: "anyone",
    params: object({ flowId: Id, code: Type.String({ pattern: "^[0-9]{6}$" }), name: Type.Optional(Name) }),
    returns: SignedIn,
    problems: ["user.wrong_code"],
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
    params: object({ name: Type.Optional(Name) }),
    returns: Me,
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
  "user.profile.find": action({
    summary: "Find people by their exact e-mail address",
    rest: "GET /users",
    params: object({ q: Type.String({ minLength: 1, maxLength: 254 }) }),
    returns: pageOf(Profile),
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
};
