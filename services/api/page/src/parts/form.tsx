import { useState } from "preact/hooks";
import { tell } from "../layers.tsx";
import { fieldWords, wordsFor } from "../words.ts";

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

/** Runs what a form does: one at a time, and keeps what went wrong, at the fields that it shows or beneath all of them. */
export function useAttempt(shown: readonly string[] = []) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const [fields, setFields] = useState<Readonly<Record<string, string>>>({});
  const run = (attempt: () => Promise<unknown>) => {
    if (busy) return;
    setBusy(true);
    setError(undefined);
    setFields({});
    attempt()
      .catch((err: unknown) => {
        const atFields = fieldWords(err, shown);
        if (atFields) setFields(atFields);
        else setError(wordsOf(err));
      })
      .finally(() => setBusy(false));
  };
  return { busy, error, fields, run };
}

/** Does something that has no form, and tells in passing what went wrong. */
export function act(attempt: Promise<unknown>): void {
  attempt.catch((err: unknown) => tell(wordsOf(err)));
}
