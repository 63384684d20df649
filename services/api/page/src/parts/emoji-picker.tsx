import { useState } from "preact/hooks";
import { closePopover, openPopover } from "../layers.tsx";
import { asEmoji, emojiGroups, findEmoji } from "./emoji.ts";

/** Lets one choose an emoji: from the common ones, by name, or any that one types or pastes. */
export function pickEmoji(anchor: Element, pick: (emoji: string) => void): void {
  const done = (emoji: string) => {
    closePopover();
    pick(emoji);
  };
  openPopover(anchor, <EmojiPicker pick={done} />);
}

function EmojiPicker({ pick }: { pick: (emoji: string) => void }) {
  const [query, setQuery] = useState("");
  const own = asEmoji(query);
  const found = query.trim() === "" ? undefined : findEmoji(query);
  const submit = (event: Event) => {
    event.preventDefault();
    const chosen = own ?? found?.[0]?.emoji;
    if (chosen) pick(chosen);
  };
  return (
    <div class="emoji-picker" role="dialog" aria-label="Choose an emoji" data-testid="emoji-picker">
      <form onSubmit={submit}>
        <input
          type="text"
          data-focus
          data-testid="emoji-search"
          aria-label="Find an emoji by name, or paste any"
          placeholder="Find, or paste any emoji"
          autocomplete="off"
          value={query}
          onInput={(event) => setQuery(event.currentTarget.value)}
        />
      </form>
      <div class="emoji-list" onKeyDown={walk}>
        {own && <Grid name="Your own" emoji={[{ emoji: own, words: "this one" }]} pick={pick} />}
        {!own && found && found.length > 0 && <Grid name="Found" emoji={found} pick={pick} />}
        {!own && found?.length === 0 && <p class="hint">Nothing is called that. Any emoji can be pasted above.</p>}
        {!found && emojiGroups.map(({ name, emoji }) => <Grid key={name} name={name} emoji={emoji} pick={pick} />)}
      </div>
    </div>
  );
}

function Grid({
  name,
  emoji,
  pick,
}: {
  name: string;
  emoji: readonly { emoji: string; words: string }[];
  pick: (emoji: string) => void;
}) {
  return (
    <section aria-label={name}>
      <h3 class="emoji-group">{name}</h3>
      <div class="emoji-grid">
        {emoji.map(({ emoji, words }) => (
          <button key={emoji} type="button" title={words} aria-label={words} onClick={() => pick(emoji)}>
            {emoji}
          </button>
        ))}
      </div>
    </section>
  );
}

/** Arrows go from one to the next, up and down by rows as they are laid out. */
function walk(event: KeyboardEvent): void {
  const all = [...(event.currentTarget as HTMLElement).querySelectorAll("button")];
  const at = all.indexOf(document.activeElement as HTMLButtonElement);
  if (at < 0) return;
  const here = all[at]!;
  const vertical = (ahead: HTMLButtonElement[]) =>
    ahead.find((one) => one.offsetTop !== here.offsetTop && Math.abs(one.offsetLeft - here.offsetLeft) < 4);
  const to = {
    ArrowRight: all[at + 1],
    ArrowLeft: all[at - 1],
    ArrowDown: vertical(all.slice(at + 1)),
    ArrowUp: vertical(all.slice(0, at).reverse()),
  }[event.key];
  if (!to) return;
  event.preventDefault();
  to.focus();
}
