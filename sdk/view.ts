import type { Receipt } from "@confab/contracts";
import type { ChatState, Outgoing } from "./api.ts";
import type { Logs } from "./state.ts";

/** What a chat is shown from, each kept by whoever knows it. */
export interface Parts {
  readonly logs: Logs;
  readonly outgoing: readonly Outgoing[];
  readonly typing: ReadonlyMap<string, readonly string[]>;
  readonly receipts: ReadonlyMap<string, ReadonlyMap<string, Receipt>>;
}

const nobody: readonly string[] = [];
const none: ReadonlyMap<string, Receipt> = new Map();

/** The chats as a screen shows them. Each is the same object, and so are all together, as long as nothing in it changed. */
export function viewChats(before: ReadonlyMap<string, ChatState>, shown: Parts, parts: Parts): ReadonlyMap<string, ChatState> {
  const outgoing = Map.groupBy(parts.outgoing, ({ chatId }) => chatId);
  const next = new Map<string, ChatState>();
  let isSame = before.size === parts.logs.size;
  for (const [chatId, log] of parts.logs) {
    const known = before.get(chatId);
    const own = outgoing.get(chatId) ?? [];
    const typing = parts.typing.get(chatId) ?? nobody;
    const receipts = parts.receipts.get(chatId) ?? none;
    const unchanged =
      known &&
      shown.logs.get(chatId) === log &&
      known.typing === typing &&
      known.receipts === receipts &&
      known.outgoing.length === own.length &&
      known.outgoing.every((message, at) => message === own[at]);
    next.set(chatId, unchanged ? known : { ...log, outgoing: own, typing, receipts });
    isSame &&= unchanged === true;
  }
  return isSame ? before : next;
}
