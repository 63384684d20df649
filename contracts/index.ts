import { adminActions } from "./admin.ts";
import { apiActions } from "./api.ts";
import { chatActions, chatEvents } from "./chat.ts";
import type { ActionContract, ParamsOf, PayloadOf, ResultOf } from "./define.ts";
import { hostActions } from "./host.ts";
import { ioActions } from "./io.ts";
import { mailActions } from "./mail.ts";
import { userActions, userEvents } from "./user.ts";

export { type Act, type AdminUser, type Report } from "./admin.ts";
export { type Limits } from "./api.ts";
export {
  type Chat,
  type ChatType,
  type DigestInterval,
  type Entry,
  type EntryType,
  type Hidden,
  type HistoryFrom,
  type Invite,
  type Member,
  type Mentions,
  type Message,
  type Posting,
  type Preferences,
  type QuietHours,
  type Receipt,
  type ReplyTo,
  type Role,
  type UserEntry,
  type UserEntryType,
} from "./chat.ts";
export {
  scopes,
  type ActionContract,
  type Audience,
  type Budget,
  type EventContract,
  type Offer,
  type Scope,
  type SocketEventContract,
} from "./define.ts";
export { type HostChat, type ServerKey } from "./host.ts";
export { socketEvents, type Presence } from "./io.ts";
export { MailJob, type InboxMail, type MailRecord, type MailTemplate } from "./mail.ts";
export { audienceProblems, commonProblems, problems, type ProblemCode } from "./problems.ts";
export { ProblemDocument, languages, type FieldError, type Language } from "./shapes.ts";
export { type Export, type Me, type Profile, type PublicKey, type Session, type SignedIn, type UserRole } from "./user.ts";

import type { socketEvents } from "./io.ts";

/** Every action of the cluster, by name. */
export const actions = {
  ...userActions,
  ...hostActions,
  ...adminActions,
  ...chatActions,
  ...ioActions,
  ...mailActions,
  ...apiActions,
};
export type ActionName = keyof typeof actions;
export type Params<N extends ActionName> = ParamsOf<(typeof actions)[N]>;
export type Result<N extends ActionName> = ResultOf<(typeof actions)[N]>;

/** Every event between services, by name. */
export const events = { ...userEvents, ...chatEvents };
export type EventName = keyof typeof events;
export type Payload<N extends EventName> = PayloadOf<(typeof events)[N]>;

export type SocketEventName = keyof typeof socketEvents;
export type SocketPayload<N extends SocketEventName> = PayloadOf<(typeof socketEvents)[N]>;

/** The contracts as entries, for whoever derives something from all of them. */
export const actionEntries = Object.entries(actions) as [ActionName, ActionContract][];
