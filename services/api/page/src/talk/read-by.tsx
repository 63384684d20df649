import type { Message } from "@confab/contracts";
import { useEffect } from "preact/hooks";
import { client, useClient } from "../client.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Problem, useAttempt } from "../parts/form.tsx";
import { useNames } from "../people.ts";
import { readersOf } from "./how-far.ts";

/** Who has read a message, and who has received it only. */
export function ReadBy({ message }: { message: Message }) {
  const state = useClient(({ chats }) => chats.get(message.chatId));
  const { error, run } = useAttempt();
  useEffect(() => run(() => client.loadReceipts(message.chatId)), [message.chatId]);
  const receipts = [...(state?.receipts.values() ?? [])];
  const read = state ? readersOf(state, message.senderId, message.seq) : [];
  const delivered = receipts
    .filter(({ userId, deliveredSeq }) => userId !== message.senderId && deliveredSeq >= message.seq && !read.includes(userId))
    .map(({ userId }) => userId);
  return (
    <Dialog title="Read by" testid="read-by-dialog">
      <Problem words={error} />
      <People title="Read" userIds={read} none="Nobody has read it yet, or nobody tells." />
      {delivered.length > 0 && <People title="Delivered" userIds={delivered} />}
    </Dialog>
  );
}

function People({ title, userIds, none }: { title: string; userIds: string[]; none?: string }) {
  const nameOf = useNames(userIds);
  return (
    <section>
      <h3 class="section-title">{title}</h3>
      {userIds.length === 0 && <p class="quiet">{none}</p>}
      <ul class="people">
        {userIds.map((userId) => (
          <li key={userId} class="person">
            <Avatar id={userId} name={nameOf(userId)} small />
            <span class="grow">{nameOf(userId) ?? "…"}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
