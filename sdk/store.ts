/** A value that never changes in place: whoever holds a snapshot keeps what they saw. */
export interface Observable<T> {
  /** The value now. The same object until something changes. */
  get: () => T;
  /** Calls back after every change. Returns what ends that. */
  subscribe: (listener: (value: T) => void) => () => void;
}

export interface Store<T> extends Observable<T> {
  set(value: T): void;
}

export function createStore<T>(initial: T): Store<T> {
  let current = initial;
  const listeners = new Set<(value: T) => void>();
  return {
    get: () => current,
    set(value) {
      if (Object.is(value, current)) return;
      current = value;
      for (const listener of [...listeners]) {
        try {
          listener(value);
        } catch (err) {
          // A screen that fails fails alone: what keeps the state goes on.
          queueMicrotask(() => {
            throw err;
          });
        }
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
