import type { Presence } from "@confab/contracts";

interface Props {
  id: string;
  name: string | undefined;
  presence?: Presence | undefined;
  small?: boolean;
}

/** The first letters of a name, on a colour that stays with the person, and whether they are here. */
export function Avatar({ id, name, presence, small }: Props) {
  const letters = (name ?? "")
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => [...word][0]!)
    .filter((_, at, all) => at === 0 || at === all.length - 1)
    .join("");
  const tint = tintOf(id);
  const state = presence && presence.state !== "offline" ? presence.state : undefined;
  return (
    <span class={`avatar tint-${tint} ${small ? "small" : ""}`}>
      <span aria-hidden="true">{letters.toLocaleUpperCase()}</span>
      {state && <span class={`dot ${state}`} role="img" aria-label={state} data-testid="presence" />}
    </span>
  );
}

/** FNV-1a: ids that differ in their end alone come far apart. */
function tintOf(id: string): number {
  const hash = [...id].reduce((sum, sign) => Math.imul(sum ^ sign.charCodeAt(0), 16_777_619), 2_166_136_261);
  return (hash >>> 8) % 8;
}
