import type { Chat } from "@confab/contracts";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Hits } from "../list/hits.tsx";
import { useMembers } from "../members.ts";
import { Icon } from "../parts/icon.tsx";
import { useNames } from "../people.ts";
import { useTalk } from "../talk/context.ts";
import { Panel } from "./panel.tsx";

/** Finds messages of one chat, of everybody or of one member. */
export function ChatSearch({ chat }: { chat: Chat }) {
  const talk = useTalk();
  const [query, setQuery] = useState("");
  const [from, setFrom] = useState("");
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => field.current?.focus(), []);
  const { members } = useMembers(chat.id);
  const nameOf = useNames(members.map(({ userId }) => userId));
  return (
    <Panel title="Search in this chat" chatId={chat.id} testid="search-panel">
      <search class="find">
        <Icon name="search" />
        <input
          type="search"
          data-testid="chat-query"
          aria-label="Words to find"
          placeholder="Words to find"
          autocomplete="off"
          ref={field}
          value={query}
          onInput={(event) => setQuery(event.currentTarget.value)}
        />
      </search>
      <label class="select">
        Written by
        <select value={from} data-testid="search-from" onChange={(event) => setFrom(event.currentTarget.value)}>
          <option value="">anybody</option>
          {members.map(({ userId }) => (
            <option key={userId} value={userId}>
              {nameOf(userId) ?? "…"}
            </option>
          ))}
        </select>
      </label>
      {query.trim() ? (
        <Hits query={query} chatId={chat.id} from={from} onPick={talk.jump} />
      ) : (
        <p class="hint">The last word may be a beginning.</p>
      )}
    </Panel>
  );
}
