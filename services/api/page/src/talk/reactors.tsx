import type { Message, Result } from "@confab/contracts";
import { useEffect, useState } from "preact/hooks";
import { client } from "../client.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Problem, useAttempt } from "../parts/form.tsx";
import { useNames } from "../people.ts";

export function Reactors({ message }: { message: Message }) {
  const [items, setItems] = useState<Result<"chat.reaction.list">["items"]>();
  const { error, run } = useAttempt();
  const nameOf = useNames((items ?? []).flatMap(({ userIds }) => userIds));
  useEffect(
    () =>
      run(async () => {
        const { chatId, id } = message;
        setItems((await client.call("chat.reaction.list", { chatId, messageId: id })).items);
      }),
    [message.rev],
  );
  return (
    <Dialog title="Reactions" testid="reactors-dialog">
      <Problem words={error} />
      {items?.length === 0 && <p class="hint">Nobody has reacted.</p>}
      {items?.map(({ emoji, userIds }) => (
        <section key={emoji} aria-label={emoji}>
          <ul class="people">
            {userIds.map((userId) => (
              <li key={userId} class="person">
                <Avatar id={userId} name={nameOf(userId)} small />
                <span class="grow">{nameOf(userId) ?? "…"}</span>
                <span class="big-emoji">{emoji}</span>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </Dialog>
  );
}
