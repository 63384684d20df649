import type { Me } from "@confab/contracts";
import type { ChatState } from "@confab/sdk";
import { useState } from "preact/hooks";
import { useClient } from "../client.ts";
import { useDrafts } from "../drafts.ts";
import { openDialog } from "../layers.tsx";
import { Avatar } from "../parts/avatar.tsx";
import { Icon } from "../parts/icon.tsx";
import { useNames } from "../people.ts";
import { usePresence } from "../presence.ts";
import { ChatItem } from "./chat-item.tsx";
import { Hits } from "./hits.tsx";
import { NewChat } from "./new-chat.tsx";
import { activeAt, titleOf } from "./order.ts";
import { Settings } from "../account/settings.tsx";

/** So many chats are drawn, and the names of so many people asked for. */
const pageSize = 100;

/** Who I am, a way to find and to start something, and my chats: pinned first, then the most recently active. */
export function ChatList({ me, chatId }: { me: Me; chatId: string | undefined }) {
  const chats = useClient((state) => state.chats);
  const synced = useClient((state) => state.synced);
  const [query, setQuery] = useState("");
  const sorted = [...chats.values()].sort((a, b) => activeAt(b).localeCompare(activeAt(a)));
  const [limit, setLimit] = useState(pageSize);
  const nameOf = useNames(sorted.slice(0, limit).map(({ chat }) => chat.peerId));
  const presence = usePresence(sorted.slice(0, pageSize).map(({ chat }) => chat.peerId));
  const drafts = useDrafts(me.id);
  const finding = query.trim() !== "";

  const item = (state: ChatState) => (
    <ChatItem
      key={state.chat.id}
      me={me}
      state={state}
      peer={nameOf(state.chat.peerId)}
      presence={presence.get(state.chat.peerId ?? "")}
      draft={state.chat.id === chatId ? "" : (drafts[state.chat.id]?.text ?? "")}
      current={state.chat.id === chatId}
    />
  );
  const active = sorted.filter(({ chat }) => !chat.me.archived);
  const shown = [...active.filter(({ chat }) => chat.me.pinned), ...active.filter(({ chat }) => !chat.me.pinned)];
  const archived = sorted.filter(({ chat }) => chat.me.archived);
  const titled = (state: ChatState) => titleOf(state.chat, nameOf(state.chat.peerId));
  const fitting = sorted.filter((state) => titled(state).toLowerCase().includes(query.trim().toLowerCase()));
  return (
    <aside class="side" aria-label="Chats">
      <header class="bar">
        <button
          type="button"
          class="me"
          data-testid="me"
          aria-label={`${me.name}: account and settings`}
          title={me.email ?? ""}
          onClick={() => openDialog(<Settings />)}
        >
          <Avatar id={me.id} name={me.name} />
          <span class="me-name">{me.name}</span>
        </button>
        <h1 class="hidden">Confab</h1>
        <button
          type="button"
          class="icon-button"
          data-testid="new"
          aria-label="New chat or group"
          onClick={() => openDialog(<NewChat me={me} />)}
        >
          <Icon name="write" />
        </button>
      </header>
      <search class="find">
        <Icon name="search" />
        <input
          type="search"
          data-testid="search"
          aria-label="Search chats and messages"
          placeholder="Search"
          autocomplete="off"
          value={query}
          onInput={(event) => setQuery(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") setQuery("");
          }}
        />
      </search>
      <nav aria-label="My chats" class="grow scroll" onKeyDown={walk}>
        {finding && fitting.length > 0 && <ul class="chats">{fitting.map(item)}</ul>}
        {finding && <Hits query={query} titleOf={(id) => (chats.has(id) ? titled(chats.get(id)!) : "…")} />}
        {!finding && <ul class="chats">{shown.slice(0, limit).map(item)}</ul>}
        {!finding && shown.length > limit && (
          <button type="button" class="plain more" onClick={() => setLimit(limit + pageSize)}>
            Show more chats
          </button>
        )}
        {!finding && archived.length > 0 && (
          <Archived items={archived} item={item} open={archived.some(({ chat }) => chat.id === chatId)} />
        )}
        {!finding && sorted.length === 0 && (
          <p class="hint">{synced ? "No chats yet. Start one with the pen above." : "Loading …"}</p>
        )}
      </nav>
    </aside>
  );
}

function Archived({ items, item, open }: { items: ChatState[]; item: (state: ChatState) => preact.JSX.Element; open: boolean }) {
  const unread = items.filter(({ chat }) => chat.unreadCount > 0).length;
  return (
    <details class="archived" data-testid="archived" open={open}>
      <summary>
        <Icon name="archive" /> Archived <span class="quiet">{items.length}</span>
        {unread > 0 && <span class="badge muted">{unread}</span>}
      </summary>
      <ul class="chats">{items.map(item)}</ul>
    </details>
  );
}

/** Up and down go from chat to chat, Home and End to the ends. */
function walk(event: KeyboardEvent): void {
  const links = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("a, summary")].filter(
    (link) => link.offsetParent !== null,
  );
  const at = links.indexOf(document.activeElement as HTMLElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
  if (to === undefined || at < 0) return;
  event.preventDefault();
  links[to]?.focus();
}
