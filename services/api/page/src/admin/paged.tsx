import { useEffect, useRef, useState } from "preact/hooks";
import { Problem, useAttempt } from "../parts/form.tsx";

interface Page<T> {
  items: readonly T[];
  nextCursor: string | null;
}

/** A list that comes in pages, read anew when `key` changes. */
export function usePaged<T extends { id: string }>(key: string, read: (cursor?: string) => Promise<Page<T>>) {
  const { busy, error, run } = useAttempt();
  const [items, setItems] = useState<readonly T[]>();
  const [cursor, setCursor] = useState<string | null>(null);
  const wanted = useRef(key);
  wanted.current = key;
  const load = async () => {
    const page = await read();
    // What was asked for meanwhile is later.
    if (wanted.current !== key) return;
    setItems(page.items);
    setCursor(page.nextCursor);
  };
  useEffect(() => {
    setItems(undefined);
    setCursor(null);
    // Not by run(), which does one at a time: this one is wanted whatever else is on its way.
    load().catch((err: Error) => run(() => Promise.reject(err)));
  }, [key]);
  const more = () =>
    run(async () => {
      const page = await read(cursor!);
      if (wanted.current !== key) return;
      setItems((known) => [...(known ?? []), ...page.items]);
      setCursor(page.nextCursor);
    });
  /** One of them is another now. */
  const put = (item: T) => setItems((known) => known?.map((one) => (one.id === item.id ? item : one)));
  return { items, put, reload: load, busy, error, more: cursor === null ? undefined : more };
}

/** What stands beneath such a list. */
export function Foot({ of, empty }: { of: Omit<ReturnType<typeof usePaged>, "put">; empty: string }) {
  return (
    <>
      <Problem words={of.error} />
      {!of.items && !of.error && <p class="hint">Loading …</p>}
      {of.items?.length === 0 && <p class="hint">{empty}</p>}
      {of.more && (
        <button type="button" class="plain more" disabled={of.busy} onClick={of.more}>
          Show more
        </button>
      )}
    </>
  );
}
