import type { ChatState } from "@confab/sdk";
import { useState } from "preact/hooks";
import { Icon } from "../parts/icon.tsx";
import { useNames } from "../people.ts";
import { hrefOf } from "../place.ts";
import { useTalk } from "./context.ts";
import { useMessage } from "./quote.tsx";

/** The latest pinned message; each time one follows it, the one before comes up. */
export function PinBar({ state }: { state: ChatState }) {
  const { pins, id } = state.chat;
  const [back, setBack] = useState(0);
  const talk = useTalk();
  const pin = pins.at(-1 - (back % (pins.length || 1)));
  const { message } = useMessage(state, pin?.id, pin?.seq);
  const nameOf = useNames([message?.senderId]);
  if (!pin) return null;
  return (
    <div class="pin-bar" data-testid="pin-bar">
      <button
        type="button"
        class="pin-jump grow"
        aria-label="Go to the pinned message"
        onClick={() => {
          talk.jump(pin.seq);
          setBack(back + 1);
        }}
      >
        <Icon name="pin" />
        <span class="pin-text">
          <b>{message ? (nameOf(message.senderId) ?? "…") : ""}</b> {message?.text ?? "Pinned message"}
        </span>
      </button>
      <a class="link" href={hrefOf({ chatId: id, panel: "pins" })} data-testid="pins">
        {pins.length === 1 ? "Show" : `All ${pins.length}`}
      </a>
    </div>
  );
}
