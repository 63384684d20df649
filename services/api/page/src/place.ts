import { useEffect, useState } from "preact/hooks";

const read = () => /^#\/chats\/([\w-]+)$/.exec(location.hash)?.[1];

export const hrefOf = (chatId: string) => `#/chats/${chatId}`;

export function go(chatId: string | undefined): void {
  location.hash = chatId ? hrefOf(chatId) : "#/";
}

/** The chat that the address names, so that back, reload and bookmarks do what one expects. */
export function useChatId(): string | undefined {
  const [chatId, setChatId] = useState(read);
  useEffect(() => {
    const look = () => setChatId(read());
    window.addEventListener("hashchange", look);
    return () => window.removeEventListener("hashchange", look);
  }, []);
  return chatId;
}
