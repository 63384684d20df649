/* What browsers and Node do not have alike. */

/** Where tokens are kept: `localStorage`, or anything like it. */
export type ClientStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** Keeps things as long as the process lives. */
export function memoryStorage(): ClientStorage {
  const kept = new Map<string, string>();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
}

/** The browser's storage where there is one that may be used. */
export function defaultStorage(): ClientStorage {
  try {
    if (typeof window !== "undefined" && window.localStorage) return window.localStorage;
  } catch {
    // Storage can be forbidden; then a reload signs out.
  }
  return memoryStorage();
}

/** Runs one at a time across the tabs of a browser, where it can tell them; elsewhere at once. */
export function exclusively<T>(name: string, run: () => Promise<T>): Promise<T> {
  const locks = typeof window === "undefined" ? undefined : navigator.locks;
  return locks ? locks.request(name, run) : run();
}

/** A random UUID; `crypto.randomUUID` itself is only there on https and localhost. */
export function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Full jitter: anywhere from nothing to twice the last pause, so that many clients do not come back as one. */
export function jitter(attempt: number, { base = 500, max = 20_000 } = {}): number {
  return Math.random() * Math.min(max, base * 2 ** attempt);
}

/** Tells of events of the browser's window; in Node there are none. Returns what ends that. */
export function onWindow(type: string, listener: (event: Event) => void): () => void {
  if (typeof window === "undefined") return () => {};
  window.addEventListener(type, listener);
  return () => window.removeEventListener(type, listener);
}
