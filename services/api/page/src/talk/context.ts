import type { Me, Message } from "@confab/contracts";
import type { ChatState } from "@confab/sdk";
import { createContext } from "preact";
import { useContext } from "preact/hooks";

/** What the parts of an open chat share. It stays the same object as long as the chat is open. */
export interface TalkContext {
  me: Me;
  chatId: string;
  /** The chat as it is now. */
  state: () => ChatState | undefined;
  reply: (message: Message) => void;
  edit: (message: Message) => void;
  /** Shows the message of that number, wherever it is. */
  jump: (seq: number) => void;
}

export const Talking = createContext<TalkContext | undefined>(undefined);

export function useTalk(): TalkContext {
  return useContext(Talking)!;
}
