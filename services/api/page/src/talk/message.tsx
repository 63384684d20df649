import type { Message } from "@confab/contracts";
import { ApiProblem, type Outgoing } from "@confab/sdk";
import { client } from "../client.ts";
import { openDialog } from "../layers.tsx";
import { Avatar } from "../parts/avatar.tsx";
import { pickEmoji } from "../parts/emoji-picker.tsx";
import { isFewEmoji } from "../parts/emoji.ts";
import { Icon } from "../parts/icon.tsx";
import { useNames } from "../people.ts";
import { fullTimeOf, timeOf } from "../time.ts";
import { wordsFor } from "../words.ts";
import { useTalk } from "./context.ts";
import { History } from "./history.tsx";
import { openMessageMenu } from "./message-menu.tsx";
import { Quote } from "./quote.tsx";
import { Reactions, toggleReaction } from "./reactions.tsx";
import { ReadBy } from "./read-by.tsx";
import type { MessageRow } from "./rows.ts";
import { Text } from "./text.tsx";
import { Ticks } from "./ticks.tsx";

/** One message, sent or on its way, and what can be done with it. */
export function Bubble({ row }: { row: MessageRow }) {
  const { message, outgoing, mine, first, last, named, by, replyTo, quoted } = row;
  const talk = useTalk();
  const nameOf = useNames([by]);
  const sender = mine ? "You" : (nameOf(by) ?? "…");
  const deleted = Boolean(message?.deletedAt);
  const state = outgoing?.status ?? "sent";
  const group = talk.state()?.chat.type === "group";
  const classes = ["message", mine ? "mine" : "theirs", first && "first", last && "last", row.target && "target"];
  const large = !deleted && !replyTo && isFewEmoji(row.text);

  const menu = (event: Event) => {
    const bubble = (event.currentTarget as HTMLElement).closest(".message")!.querySelector(".bubble")!;
    if (message) openMessageMenu(bubble, talk, message);
  };
  return (
    <article
      class={classes.filter(Boolean).join(" ")}
      data-testid="message"
      data-state={state}
      data-seq={message?.seq}
      tabIndex={-1}
      aria-label={`${sender}, ${fullTimeOf(row.at)}`}
      onKeyDown={(event) => {
        if (event.key !== "Enter" || event.target !== event.currentTarget) return;
        event.preventDefault();
        menu(event);
      }}
    >
      {group && !mine && (last ? <Avatar id={by} name={sender} small /> : <span class="avatar small gap" />)}
      <div class="message-body">
        {named && <p class="sender">{sender}</p>}
        <div class="bubble-row">
          <div
            class={`bubble ${outgoing ? state : ""} ${large ? "large" : ""} ${deleted ? "deleted" : ""}`}
            onClick={(event) => {
              // With a finger there is no hovering that would bring the buttons up.
              const onControl = (event.target as HTMLElement).closest("a, button");
              if (!onControl && matchMedia("(hover: none)").matches && getSelection()?.isCollapsed) menu(event);
            }}
          >
            {replyTo && !deleted && <Quote id={replyTo} quoted={quoted} />}
            {deleted ? (
              <i class="quiet">Message deleted</i>
            ) : (
              <Text text={row.text} mentions={message?.mentions ?? outgoing?.mentions ?? []} />
            )}
            <Stamp row={row} />
          </div>
          {message && !deleted && <Tools message={message} onMenu={menu} />}
        </div>
        {message && !deleted && <Reactions message={message} />}
        {outgoing?.status === "failed" && <Failed message={outgoing} />}
        {row.readers !== undefined && row.readers > 0 && (
          <button
            type="button"
            class="readers"
            data-testid="readers"
            onClick={() => message && openDialog(<ReadBy message={message} />)}
          >
            Read by {row.readers}
          </button>
        )}
      </div>
    </article>
  );
}

function Stamp({ row: { at, message, outgoing, ticks } }: { row: MessageRow }) {
  return (
    <span class="stamp">
      {message?.pinned && <Icon name="pin" label="pinned" />}
      {message && message.editedAt !== null && message.deletedAt === null && (
        <button type="button" class="edited" data-testid="edited" onClick={() => openDialog(<History message={message} />)}>
          edited
        </button>
      )}
      <time dateTime={at} title={fullTimeOf(at)}>
        {timeOf(at)}
      </time>
      {outgoing?.status === "pending" && <Icon name="clock" label="Sending" />}
      {ticks && <Ticks ticks={ticks} />}
    </span>
  );
}

/** Beside the message while the pointer or the focus is on it. */
function Tools({ message, onMenu }: { message: Message; onMenu: (event: Event) => void }) {
  const talk = useTalk();
  return (
    <div class="tools">
      <button
        type="button"
        class="icon-button"
        aria-label="React"
        data-testid="react"
        tabIndex={-1}
        onClick={(event) => pickEmoji(event.currentTarget, (emoji) => toggleReaction(message, emoji))}
      >
        <Icon name="smile" />
      </button>
      <button type="button" class="icon-button" aria-label="Reply" tabIndex={-1} onClick={() => talk.reply(message)}>
        <Icon name="reply" />
      </button>
      <button
        type="button"
        class="icon-button"
        aria-label="What to do with this message"
        data-testid="message-more"
        tabIndex={-1}
        onClick={onMenu}
      >
        <Icon name="more" />
      </button>
    </div>
  );
}

function Failed({ message }: { message: Outgoing }) {
  const { chatId, clientMessageId, problem } = message;
  return (
    <p class="problem failed-line" role="alert">
      Not sent. {problem && wordsFor(new ApiProblem(problem))}{" "}
      <button
        type="button"
        class="link"
        data-testid="retry"
        onClick={() => void client.retry(chatId, clientMessageId)?.catch(() => {})}
      >
        Try again
      </button>{" "}
      <button type="button" class="link" data-testid="discard" onClick={() => client.discard(chatId, clientMessageId)}>
        Discard
      </button>
    </p>
  );
}
