import type { ChatState } from "@confab/sdk";
import { openChatMenu } from "../about/chat-menu.tsx";
import { Avatar } from "../parts/avatar.tsx";
import { Icon } from "../parts/icon.tsx";
import { hrefOf, type Panel } from "../place.ts";
import { usePresence, usePresenceWords } from "../presence.ts";
import { plural } from "../words.ts";

/** Whom one talks with, whether they are here, and what one can look up. */
export function Header({ state, title, panel }: { state: ChatState; title: string; panel: Panel | undefined }) {
  const { chat } = state;
  const presence = usePresence([chat.peerId]).get(chat.peerId ?? "");
  const presenceWords = usePresenceWords(chat.peerId);
  const under = chat.type === "group" ? plural(chat.memberCount, "member") : presenceWords;
  const toggle = (to: Panel) => hrefOf({ chatId: chat.id, panel: panel === to ? undefined : to });
  return (
    <header class="bar">
      <a class="icon-button back" href="#/" aria-label="Back to the chats" data-testid="back">
        <Icon name="back" />
      </a>
      <a class="talk-title grow" href={toggle("details")} data-testid="details" aria-label={`About ${title}`}>
        <Avatar id={chat.peerId ?? chat.id} name={title} presence={presence} />
        <span class="grow">
          <h2>{title}</h2>
          <small class="quiet" data-testid="under-title">
            {under ?? "\u00a0"}
          </small>
        </span>
      </a>
      <a
        class="icon-button"
        href={toggle("search")}
        aria-label="Search in this chat"
        aria-current={panel === "search" ? "true" : undefined}
        data-testid="chat-search"
      >
        <Icon name="search" />
      </a>
      <button
        type="button"
        class="icon-button"
        aria-label="What to do with this chat"
        data-testid="talk-more"
        onClick={(event) => openChatMenu(event.currentTarget, chat)}
      >
        <Icon name="more" />
      </button>
    </header>
  );
}
