/** The first letters of a name, on a colour that stays with the person. */
export function Avatar({ id, name }: { id: string; name: string | undefined }) {
  const letters = (name ?? "")
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => [...word][0]!)
    .filter((_, at, all) => at === 0 || at === all.length - 1)
    .join("");
  const tint = [...id].reduce((sum, sign) => (sum * 31 + sign.charCodeAt(0)) % 997, 7) % 6;
  return (
    <span class={`avatar tint-${tint}`} aria-hidden="true">
      {letters.toLocaleUpperCase()}
    </span>
  );
}
