import type { Chat, Params } from "@confab/contracts";
import { useLayoutEffect, useState } from "preact/hooks";
import { client } from "../client.ts";
import { Problem, useAttempt } from "../parts/form.tsx";
import { Switch } from "../parts/switch.tsx";
import { lasting } from "../time.ts";

const slowModes = [0, 5, 10, 30, 60, 300, 900, 3600];

/** The title and the rules of a group, for its admins. */
export function Rules({ chat }: { chat: Chat }) {
  const { busy, error, run } = useAttempt();
  const [title, setTitle] = useState(chat.title ?? "");
  // Before anybody can type: what is typed would be lost under it.
  useLayoutEffect(() => setTitle(chat.title ?? ""), [chat.title]);
  const change = (changes: Omit<Params<"chat.chat.change">, "chatId">) =>
    run(() => client.call("chat.chat.change", { chatId: chat.id, ...changes }));
  const slow = slowModes.includes(chat.slowMode) ? slowModes : [...slowModes, chat.slowMode].sort((a, b) => a - b);
  return (
    <section aria-label="Settings of the group">
      <h3 class="section-title">Settings</h3>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          change({ title: title.trim() });
        }}
      >
        <label for="group-title">Title</label>
        <div class="row">
          <input
            id="group-title"
            data-testid="group-title"
            maxLength={200}
            required
            autocomplete="off"
            value={title}
            onInput={(event) => setTitle(event.currentTarget.value)}
          />
          <button class="plain" data-testid="save-title" disabled={busy || !title.trim() || title.trim() === chat.title}>
            Save
          </button>
        </div>
      </form>
      <div class="group-box">
        <Switch
          label="Only admins may write"
          on={chat.posting === "admins"}
          disabled={busy}
          testid="posting"
          onChange={(on) => change({ posting: on ? "admins" : "all" })}
        />
        <Switch
          label="Newcomers read what was said before"
          on={chat.historyFrom === "all"}
          disabled={busy}
          testid="history-from"
          onChange={(on) => change({ historyFrom: on ? "all" : "join" })}
        />
        <label class="select">
          Slow mode
          <select
            value={String(chat.slowMode)}
            disabled={busy}
            data-testid="slow-mode"
            onChange={(event) => change({ slowMode: Number(event.currentTarget.value) })}
          >
            {slow.map((seconds) => (
              <option key={seconds} value={String(seconds)}>
                {seconds === 0 ? "off" : `one message every ${lasting(seconds)}`}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Problem words={error} />
    </section>
  );
}
