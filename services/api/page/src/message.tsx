import type { Outgoing } from "@confab/sdk";
import { client } from "./client.ts";
import { timeOf } from "./time.ts";

/** A message as it is shown, sent or on its way. */
export interface Shown {
  key: string;
  at: string;
  by: string;
  text: string;
  deleted: boolean;
  outgoing?: Outgoing;
}

interface Props {
  message: Shown;
  mine: boolean;
  /** The day that begins with this message. */
  day: string | undefined;
  /** The sender's name, where it is to be seen. */
  name: string | undefined;
  sender: string;
  first: boolean;
  last: boolean;
}

export function Bubble({ message, mine, day, name, sender, first, last }: Props) {
  const { outgoing } = message;
  return (
    <>
      {day && <h3 class="day">{day}</h3>}
      <article
        class={`message ${mine ? "mine" : "theirs"} ${first ? "first" : ""} ${last ? "last" : ""}`}
        data-testid="message"
        data-state={outgoing?.status ?? "sent"}
      >
        {name && <p class="sender">{name}</p>}
        <div class={`bubble ${outgoing?.status ?? ""}`}>
          {!name && <span class="hidden">{sender}: </span>}
          {message.deleted ? <i class="quiet">Deleted</i> : <span class="text">{message.text}</span>}
          <span class="stamp">
            <time dateTime={message.at}>{timeOf(message.at)}</time>
            {outgoing?.status === "pending" && <span class="sending">Sending …</span>}
          </span>
        </div>
        {outgoing?.status === "failed" && <Failed message={outgoing} />}
      </article>
    </>
  );
}

function Failed({ message }: { message: Outgoing }) {
  const { chatId, clientMessageId, problem } = message;
  return (
    <p class="problem" role="alert">
      Not sent{problem ? `: ${problem.detail}` : ""}.{" "}
      <button class="link" onClick={() => void client.retry(chatId, clientMessageId)?.catch(() => {})}>
        Try again
      </button>{" "}
      <button class="link" onClick={() => client.discard(chatId, clientMessageId)}>
        Discard
      </button>
    </p>
  );
}
