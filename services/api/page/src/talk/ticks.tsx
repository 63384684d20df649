import { Icon } from "../parts/icon.tsx";
import type { Tick } from "./how-far.ts";

/** One tick for sent, two for delivered, two in colour for read. */
export function Ticks({ ticks }: { ticks: Tick }) {
  return (
    <span class={`ticks ${ticks}`} data-testid="ticks" data-ticks={ticks}>
      <Icon name={ticks === "sent" ? "check" : "checks"} label={ticks} />
    </span>
  );
}
