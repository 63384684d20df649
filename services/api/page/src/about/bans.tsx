import type { Result } from "@confab/contracts";
import { useCallback, useEffect, useState } from "preact/hooks";
import { client } from "../client.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Problem, useAttempt } from "../parts/form.tsx";
import { useNames } from "../people.ts";
import { fullTimeOf } from "../time.ts";

/** Who is kept out of a group. */
export function Bans({ chatId }: { chatId: string }) {
  const [items, setItems] = useState<Result<"chat.ban.list">["items"]>([]);
  const { error, run } = useAttempt();
  const nameOf = useNames(items.map(({ userId }) => userId));
  const load = useCallback(async () => setItems((await client.call("chat.ban.list", { chatId })).items), [chatId]);
  useEffect(() => {
    run(load);
    return client.on("chat:entry", (entry) => {
      const kept = entry.type.startsWith("ban.") || entry.type === "member.removed";
      if (entry.chatId === chatId && kept) load().catch(() => {});
    });
  }, [load]);
  if (items.length === 0) return <Problem words={error} />;
  return (
    <section aria-label="Banned people">
      <h3 class="section-title">Banned</h3>
      <ul class="people">
        {items.map(({ userId, at }) => (
          <li key={userId} class="person" data-testid="banned">
            <Avatar id={userId} name={nameOf(userId)} small />
            <span class="grow" title={fullTimeOf(at)}>
              {nameOf(userId) ?? "…"}
            </span>
            <button
              type="button"
              class="link"
              data-testid="unban"
              onClick={() => run(() => client.call("chat.ban.remove", { chatId, userId }).then(load))}
            >
              Let in again
            </button>
          </li>
        ))}
      </ul>
      <Problem words={error} />
    </section>
  );
}
