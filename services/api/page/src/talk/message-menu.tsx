import type { Message } from "@confab/contracts";
import { client } from "../client.ts";
import { closePopover, openDialog } from "../layers.tsx";
import { confirm } from "../parts/confirm.tsx";
import { copy } from "../parts/copy.ts";
import { quickEmoji } from "../parts/emoji.ts";
import { pickEmoji } from "../parts/emoji-picker.tsx";
import { act } from "../parts/form.tsx";
import { Icon } from "../parts/icon.tsx";
import { openMenu } from "../parts/menu.tsx";
import { report } from "../parts/report.tsx";
import { linkTo } from "../place.ts";
import type { TalkContext } from "./context.ts";
import { History } from "./history.tsx";
import { toggleReaction } from "./reactions.tsx";
import { Reactors } from "./reactors.tsx";
import { ReadBy } from "./read-by.tsx";
import { mayDelete, mayEdit, mayPin, mayPost } from "./rights.ts";

export function openMessageMenu(anchor: Element, talk: TalkContext, message: Message): void {
  const chat = talk.state()?.chat;
  if (!chat || message.deletedAt) return;
  const { chatId, id: messageId } = message;
  openMenu(
    anchor,
    "Message",
    [
      mayPost(chat) && { label: "Reply", icon: "reply", testid: "reply", run: () => talk.reply(message) },
      mayEdit(chat, message, talk.me.id, client.get().limits) && {
        label: "Edit",
        icon: "edit",
        testid: "edit",
        run: () => talk.edit(message),
      },
      { label: "Copy the text", icon: "copy", run: () => copy(message.text) },
      {
        label: "Copy a link to it",
        icon: "link",
        run: () => copy(linkTo({ chatId, seq: message.seq }), "Copied. The link is good for members of this chat."),
      },
      mayPin(chat) && {
        label: message.pinned ? "Unpin" : "Pin for everybody",
        icon: "pin",
        testid: "pin",
        run: () => act(client.call(message.pinned ? "chat.pin.remove" : "chat.pin.add", { chatId, messageId })),
      },
      message.senderId === talk.me.id && {
        label: "Read by …",
        icon: "eye",
        testid: "read-by",
        run: () => openDialog(<ReadBy message={message} />),
      },
      message.reactions.length > 0 && {
        label: "Who reacted …",
        icon: "smile",
        run: () => openDialog(<Reactors message={message} />),
      },
      message.editedAt !== null && {
        label: "Edit history …",
        icon: "clock",
        testid: "history",
        run: () => openDialog(<History message={message} />),
      },
      message.senderId !== talk.me.id && {
        label: "Report …",
        icon: "flag",
        testid: "report-message",
        run: () => report("Report this message", { chatId, messageId }),
      },
      mayDelete(chat, message, talk.me.id) && {
        label: "Delete …",
        icon: "trash",
        danger: true,
        testid: "delete",
        run: () =>
          confirm({
            title: "Delete this message?",
            text: "Nobody will be able to read it any more. That it was there stays to be seen.",
            yes: "Delete",
            run: () => client.remove(chatId, messageId),
          }),
      },
    ],
    <QuickReactions anchor={anchor} message={message} />,
  );
}

function QuickReactions({ anchor, message }: { anchor: Element; message: Message }) {
  const react = (emoji: string) => {
    closePopover();
    toggleReaction(message, emoji);
  };
  return (
    <div class="quick" role="group" aria-label="React">
      {quickEmoji.map((emoji) => (
        <button
          key={emoji}
          type="button"
          class={message.reactions.some((reaction) => reaction.emoji === emoji && reaction.mine) ? "mine" : ""}
          aria-label={`React with ${emoji}`}
          data-testid="quick-reaction"
          onClick={() => react(emoji)}
        >
          {emoji}
        </button>
      ))}
      <button
        type="button"
        aria-label="React with another emoji"
        data-testid="more-emoji"
        onClick={() => pickEmoji(anchor, (emoji) => toggleReaction(message, emoji))}
      >
        <Icon name="add" />
      </button>
    </div>
  );
}
