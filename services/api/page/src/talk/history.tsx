import type { Message, Result } from "@confab/contracts";
import { useEffect, useState } from "preact/hooks";
import { client } from "../client.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Problem, useAttempt } from "../parts/form.tsx";
import { fullTimeOf } from "../time.ts";

/** What a message said before, the newest form first. */
export function History({ message }: { message: Message }) {
  const [items, setItems] = useState<Result<"chat.message.history">["items"]>([]);
  const { error, run } = useAttempt();
  useEffect(
    () =>
      run(async () => {
        const { chatId, id } = message;
        setItems((await client.call("chat.message.history", { chatId, messageId: id })).items);
      }),
    [message.rev],
  );
  return (
    <Dialog title="Edit history" testid="history">
      <Problem words={error} />
      <ol class="history">
        {items.toReversed().map(({ rev, at, text }, place) => (
          <li key={rev}>
            <time class="quiet" dateTime={at}>
              {fullTimeOf(at)}
              {place === 0 ? " · now" : place === items.length - 1 ? " · as it was sent" : ""}
            </time>
            <p class="text">{text}</p>
          </li>
        ))}
      </ol>
    </Dialog>
  );
}
