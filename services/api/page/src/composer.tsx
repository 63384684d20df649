import { useEffect, useRef, useState } from "preact/hooks";
import { client } from "./client.ts";

/** What one is writing in each chat, as long as the page is open. */
const drafts = new Map<string, string>();

/** Enter sends, Shift+Enter begins a new line. */
export function Composer({ chatId }: { chatId: string }) {
  const [text, setText] = useState(drafts.get(chatId) ?? "");
  const field = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    // On a touch screen this would open the keyboard over the messages.
    if (matchMedia("(hover: hover)").matches) field.current?.focus();
  }, []);

  const write = (value: string) => {
    drafts.set(chatId, value);
    setText(value);
  };
  const send = (event: Event) => {
    event.preventDefault();
    if (!text.trim()) return;
    // What goes wrong shows at the message itself.
    client.send(chatId, text.trim()).catch(() => {});
    write("");
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // Enter also ends the choice of an input method; that is not ours.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
  };
  return (
    <form class="composer" onSubmit={send}>
      <label class="hidden" for="composer">
        Message
      </label>
      <div class="growing" data-text={`${text} `}>
        <textarea
          ref={field}
          id="composer"
          data-testid="composer"
          rows={1}
          placeholder="Write a message"
          value={text}
          enterkeyhint="send"
          onInput={(event) => write(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
      </div>
      <button class="primary round" data-testid="send" aria-label="Send" disabled={!text.trim()}>
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <path d="M12 19V5M5 12l7-7 7 7" />
        </svg>
      </button>
    </form>
  );
}
