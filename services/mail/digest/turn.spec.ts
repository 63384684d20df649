import { Turn } from "./turn.ts";

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

function open(act: () => Promise<unknown>) {
  const lines: string[] = [];
  const log = { info: (line: string) => void lines.push(line), warn: (line: string) => void lines.push(line) };
  return { lines, turn: new Turn("look", act, 1000, log) };
}

test("what goes on failing is told once, without its words, and once more when it is over", async () => {
  let fails = true;
  let turns = 0;
  const { lines, turn } = open(async () => {
    turns++;
    if (fails) throw Object.assign(new Error("ann@example.org"), { code: 404 });
  });
  await jest.advanceTimersByTimeAsync(2000);
  expect(lines).toEqual([]);
  await jest.advanceTimersByTimeAsync(10_000);
  expect(turns).toBe(12);
  expect(lines).toEqual(["Cannot look, will go on trying: 404"]);
  fails = false;
  await jest.advanceTimersByTimeAsync(5000);
  expect(lines.slice(1)).toEqual(["Can look again"]);
  await turn.stop();
  await jest.advanceTimersByTimeAsync(5000);
  expect(turns).toBe(17);
});

test("one that takes longer is not begun a second time, and is waited for at the end", async () => {
  let running = 0;
  let most = 0;
  let end = () => {};
  const { turn } = open(async () => {
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) => (end = resolve));
    running--;
  });
  await jest.advanceTimersByTimeAsync(5000);
  expect(most).toBe(1);
  let isOver = false;
  const stopped = turn.stop().then(() => (isOver = true));
  await jest.advanceTimersByTimeAsync(100);
  expect(isOver).toBe(false);
  end();
  await stopped;
});
