import type { Message } from "@confab/contracts";
import { client } from "../client.ts";
import { openDialog } from "../layers.tsx";
import { pickEmoji } from "../parts/emoji-picker.tsx";
import { act } from "../parts/form.tsx";
import { Icon } from "../parts/icon.tsx";
import { plural } from "../words.ts";
import { Reactors } from "./reactors.tsx";

export function toggleReaction({ chatId, id, reactions }: Message, emoji: string): void {
  const mine = reactions.some((reaction) => reaction.emoji === emoji && reaction.mine);
  act(client.react(chatId, id, emoji, !mine));
}

/** A tap adds one's own or takes it back; the last button tells whose they are. */
export function Reactions({ message }: { message: Message }) {
  if (message.reactions.length === 0) return null;
  return (
    <div class="reactions" role="group" aria-label="Reactions">
      {message.reactions.map(({ emoji, count, mine }) => (
        <button
          key={emoji}
          type="button"
          class={`reaction ${mine ? "mine" : ""}`}
          aria-pressed={mine}
          aria-label={`${emoji}: ${plural(count, "reaction")}`}
          data-testid="reaction"
          onClick={() => toggleReaction(message, emoji)}
        >
          <span>{emoji}</span> {count}
        </button>
      ))}
      <button
        type="button"
        class="reaction add"
        aria-label="Add a reaction"
        onClick={(event) => pickEmoji(event.currentTarget, (emoji) => toggleReaction(message, emoji))}
      >
        <Icon name="smile" />
      </button>
      <button
        type="button"
        class="reaction add"
        aria-label="Who reacted"
        data-testid="reactors"
        onClick={() => openDialog(<Reactors message={message} />)}
      >
        <Icon name="person" />
      </button>
    </div>
  );
}
