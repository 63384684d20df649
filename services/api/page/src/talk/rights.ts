import type { Chat, Limits, Message, Role } from "@confab/contracts";

/* What the server will allow, so that nothing is offered that it refuses. */

const leads = (role: Role) => role !== "member";

export const mayPin = ({ type, me }: Chat) => type === "direct" || leads(me.role);
export const mayManage = ({ type, me }: Chat) => type === "group" && leads(me.role);
export const mayOwn = ({ type, me }: Chat) => type === "group" && me.role === "owner";
export const mayPost = ({ type, posting, me }: Chat) => type === "direct" || posting === "all" || leads(me.role);
export const mayDelete = (chat: Chat, message: Message, myId: string) => message.senderId === myId || mayManage(chat);
/** Owners act on everybody, admins on members. */
export const outranks = (mine: Role, theirs: Role) => mine === "owner" || (mine === "admin" && theirs === "member");

export function mayEdit(chat: Chat, message: Message, myId: string, limits: Limits | null): boolean {
  const seconds = limits?.editWindow ?? 0;
  const inTime = seconds === 0 || Date.now() < new Date(message.createdAt).getTime() + seconds * 1000;
  return message.senderId === myId && message.deletedAt === null && inTime && mayPost(chat);
}
