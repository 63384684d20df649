import { createClient, type ClientState } from "@confab/sdk";
import { useEffect, useState } from "preact/hooks";

export const client = createClient({ url: location.origin });

/** The part of the client's state that a component shows; it is drawn again when that part changes. */
export function useClient<T>(select: (state: ClientState) => T): T {
  const [, redraw] = useState(0);
  const now = select(client.get());
  useEffect(() => {
    let seen = now;
    const look = () => {
      const next = select(client.get());
      if (Object.is(next, seen)) return;
      seen = next;
      redraw((count) => count + 1);
    };
    look();
    return client.subscribe(look);
  });
  return now;
}
