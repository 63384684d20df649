export type Panel = "details" | "search" | "pins";

/** What the address names, so that back, reload, bookmarks and sent links do what one expects. */
export interface Place {
  chatId?: string;
  /** What is open beside the chat. */
  panel?: Panel;
  /** The message to show. */
  seq?: number;
  /** An invitation to accept. */
  invite?: string;
}

export function readPlace(hash: string): Place {
  const chat = /^#\/chats\/([\w-]+)(?:\/(details|search|pins)|\/at\/(\d+))?$/.exec(hash);
  if (chat) return { chatId: chat[1], panel: chat[2] as Panel | undefined, seq: chat[3] ? Number(chat[3]) : undefined };
  return { invite: /^#\/invite\/([\w-]+)$/.exec(hash)?.[1] };
}

export function hrefOf({ chatId, panel, seq, invite }: Place): string {
  if (invite) return `#/invite/${invite}`;
  if (!chatId) return "#/";
  return `#/chats/${chatId}${panel ? `/${panel}` : seq ? `/at/${seq}` : ""}`;
}

export const linkTo = (place: Place) => `${location.origin}${location.pathname}${hrefOf(place)}`;

export function go(place: Place): void {
  location.hash = hrefOf(place);
}

/** Goes there without leaving a step to come back to. */
export function replace(place: Place): void {
  history.replaceState(null, "", hrefOf(place));
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}
