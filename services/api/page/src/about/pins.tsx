import type { Chat, Message } from "@confab/contracts";
import { useEffect, useState } from "preact/hooks";
import { client } from "../client.ts";
import { act, Problem, useAttempt } from "../parts/form.tsx";
import { useNames } from "../people.ts";
import { useTalk } from "../talk/context.ts";
import { mayPin } from "../talk/rights.ts";
import { briefly } from "../time.ts";
import { Panel } from "./panel.tsx";

/** The pinned messages, the latest first. */
export function Pins({ chat }: { chat: Chat }) {
  const talk = useTalk();
  const [items, setItems] = useState<readonly Message[]>();
  const { error, run } = useAttempt();
  const nameOf = useNames((items ?? []).map(({ senderId }) => senderId));
  const pinned = chat.pins.map(({ id }) => id).join();
  useEffect(() => run(async () => setItems((await client.call("chat.pin.list", { chatId: chat.id })).items)), [chat.id, pinned]);
  return (
    <Panel title="Pinned messages" chatId={chat.id} testid="pins-panel">
      <Problem words={error} />
      {items?.length === 0 && <p class="hint">Nothing is pinned. A message's menu has it.</p>}
      <ul class="chats">
        {items?.toReversed().map((message) => (
          <li key={message.id} class="pinned">
            <button type="button" class="hit" onClick={() => talk.jump(message.seq)}>
              <span class="chat-top">
                <b class="chat-title">{nameOf(message.senderId) ?? "…"}</b>
                <time class="quiet" dateTime={message.createdAt}>
                  {briefly(message.createdAt)}
                </time>
              </span>
              <span class="snippet">{message.text}</span>
            </button>
            {mayPin(chat) && (
              <button
                type="button"
                class="link"
                onClick={() => act(client.call("chat.pin.remove", { chatId: chat.id, messageId: message.id }))}
              >
                Unpin
              </button>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
