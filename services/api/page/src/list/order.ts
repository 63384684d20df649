import type { Chat } from "@confab/contracts";
import type { ChatState } from "@confab/sdk";

export const activeAt = ({ chat, outgoing }: ChatState) => outgoing.at(-1)?.at ?? chat.lastMessage?.createdAt ?? chat.createdAt;

export const titleOf = (chat: Chat, peer: string | undefined) => chat.title ?? peer ?? (chat.type === "group" ? "Group" : "…");
