import { setTimeout as pause } from "node:timers/promises";
import type { Transport } from "./transport.ts";

/** The transport, at so many mails in a second, evenly: each waits for its turn. A wait ends in an error when it closes. */
export function paced(transport: Transport, perSecond: number): Transport {
  const gapMs = 1000 / perSecond;
  const end = new AbortController();
  let freeAt = 0;
  return {
    async send(mail, lost) {
      const now = performance.now();
      const at = Math.max(now, freeAt);
      freeAt = at + gapMs;
      if (at > now)
        await pause(Math.ceil(at - now), undefined, { signal: AbortSignal.any([end.signal, ...(lost ? [lost] : [])]) });
      return transport.send(mail, lost);
    },
    close() {
      end.abort();
      transport.close();
    },
  };
}
