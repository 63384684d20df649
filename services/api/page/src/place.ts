export type Panel = "details" | "search" | "pins";

export type AdminView = "users" | "reports" | "audit" | "keys" | "mail";

/** What the address names, so that back, reload, bookmarks and sent links do what one expects. */
export interface Place {
  chatId?: string;
  /** What is open beside the chat. */
  panel?: Panel;
  /** The message to show. */
  seq?: number;
  /** An invitation to accept. */
  invite?: string;
  /** What an administrator looks at. */
  admin?: AdminView;
  /** The user that is looked at there. */
  userId?: string;
  /** Or the address whose mails. */
  address?: string;
}

export function readPlace(hash: string): Place {
  const chat = /^#\/chats\/([\w-]+)(?:\/(details|search|pins)|\/at\/(\d+))?$/.exec(hash);
  if (chat) return { chatId: chat[1], panel: chat[2] as Panel | undefined, seq: chat[3] ? Number(chat[3]) : undefined };
  const mail = /^#\/admin\/mail\/([^/]+)$/.exec(hash);
  if (mail) return { admin: "mail", address: decode(mail[1]!) };
  const admin = /^#\/admin\/(?:(users)\/([\w-]+)|(users|reports|audit|keys|mail))$/.exec(hash);
  if (admin) return { admin: (admin[1] ?? admin[3]) as AdminView, userId: admin[2] };
  return { invite: /^#\/invite\/([\w-]+)$/.exec(hash)?.[1] };
}

export function hrefOf({ chatId, panel, seq, invite, admin, userId, address }: Place): string {
  const about = userId ?? (address && encodeURIComponent(address));
  if (admin) return `#/admin/${admin}${about ? `/${about}` : ""}`;
  if (invite) return `#/invite/${invite}`;
  if (!chatId) return "#/";
  return `#/chats/${chatId}${panel ? `/${panel}` : seq ? `/at/${seq}` : ""}`;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
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
