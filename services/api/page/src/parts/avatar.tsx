import type { Presence } from "@confab/contracts";
import { useState } from "preact/hooks";
import { usePicture } from "../people.ts";

interface Props {
  id: string;
  name: string | undefined;
  presence?: Presence | undefined;
  small?: boolean;
  large?: boolean;
}

/** A picture, or the first letters of the name on a colour that stays with the person; and whether they are here. */
export function Avatar({ id, name, presence, small, large }: Props) {
  const picture = usePicture(id);
  const [missing, setMissing] = useState<string>();
  const letters = (name ?? "")
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => [...word][0]!)
    .filter((_, at, all) => at === 0 || at === all.length - 1)
    .join("");
  const tint = tintOf(id);
  const state = presence && presence.state !== "offline" ? presence.state : undefined;
  return (
    <span class={`avatar tint-${tint} ${small ? "small" : large ? "large" : ""}`}>
      <span aria-hidden="true">{letters.toLocaleUpperCase()}</span>
      {picture && picture !== missing && <img src={picture} alt="" draggable={false} onError={() => setMissing(picture)} />}
      {state && <span class={`dot ${state}`} role="img" aria-label={state} data-testid="presence" />}
    </span>
  );
}

/** FNV-1a: ids that differ in their end alone come far apart. */
function tintOf(id: string): number {
  const hash = [...id].reduce((sum, sign) => Math.imul(sum ^ sign.charCodeAt(0), 16_777_619), 2_166_136_261);
  return (hash >>> 8) % 8;
}
