import { useState } from "preact/hooks";
import { tell } from "../layers.tsx";
import { wordsFor } from "../words.ts";

export function Problem({ words }: { words: string | undefined }) {
  return (
    <p class="problem" role="alert">
      {words}
    </p>
  );
}

/** Something that is wrong in the page's own words. */
export class Rejection extends Error {}

const wordsOf = (err: unknown) => (err instanceof Rejection ? err.message : wordsFor(err));

/** Runs what a form does: one at a time, and keeps what went wrong. */
export function useAttempt() {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const run = (attempt: () => Promise<unknown>) => {
    if (busy) return;
    setBusy(true);
    setError(undefined);
    attempt()
      .catch((err: unknown) => setError(wordsOf(err)))
      .finally(() => setBusy(false));
  };
  return { busy, error, run };
}

/** Does something that has no form, and tells in passing what went wrong. */
export function act(attempt: Promise<unknown>): void {
  attempt.catch((err: unknown) => tell(wordsOf(err)));
}
