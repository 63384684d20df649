import { createStore } from "./store.ts";

test("tells of what changed, and of nothing else, until one no longer listens", () => {
  const store = createStore(1);
  const seen: number[] = [];
  const stop = store.subscribe((value) => seen.push(value));
  store.set(1);
  store.set(2);
  stop();
  store.set(3);
  expect(seen).toEqual([2]);
  expect(store.get()).toBe(3);
});

test("a listener that fails does so alone, and is heard of", () => {
  const later: (() => void)[] = [];
  jest.spyOn(globalThis, "queueMicrotask").mockImplementation((run) => void later.push(run));
  const store = createStore(1);
  const seen: number[] = [];
  store.subscribe(() => {
    throw new Error("a screen failed");
  });
  store.subscribe((value) => seen.push(value));
  store.set(2);
  expect(seen).toEqual([2]);
  expect(later[0]).toThrow("a screen failed");
  jest.restoreAllMocks();
});
