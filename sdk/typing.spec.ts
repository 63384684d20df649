import { Typing } from "./typing.ts";
import { at, entryOf } from "./testing.ts";

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

function typingOf() {
  const told: [string, boolean][] = [];
  const limits = { typingEvery: 3 } as never;
  const typing = new Typing({ myId: () => "ann", limits: () => limits, tell: (...what) => told.push(what) });
  return { typing, told, who: (chatId = "c") => typing.state.get().get(chatId) ?? [] };
}

test("who types is shown, the latest last, until they stop, send, leave, or fall silent", () => {
  const { typing, who } = typingOf();
  for (const userId of ["bob", "cy", "dan", "eve", "ann"]) typing.hear({ chatId: "c", userId, typing: true });
  expect(who()).toEqual(["bob", "cy", "dan", "eve"]);
  typing.hear({ chatId: "c", userId: "cy", typing: false });
  typing.apply([
    entryOf("c", 2, "bob"),
    { chatId: "c", rev: 3, by: "x", at, type: "member.removed", data: { userId: "dan", banned: false } },
  ]);
  expect(who()).toEqual(["eve"]);
  jest.advanceTimersByTime(5000);
  typing.hear({ chatId: "c", userId: "eve", typing: true });
  jest.advanceTimersByTime(5999);
  expect(who()).toEqual(["eve"]);
  jest.advanceTimersByTime(1);
  expect(who()).toEqual([]);
});

test("at every key, one is told to be typing as often as the limits want", () => {
  const { typing, told } = typingOf();
  for (let key = 0; key < 8; key++) {
    typing.set("c", true);
    jest.advanceTimersByTime(1000);
  }
  expect(told).toEqual(Array(3).fill(["c", true]));
  typing.set("c", false);
  typing.set("c", false);
  expect(told.slice(3)).toEqual([["c", false]]);
});

test("that one types no longer needs no word where it ended by itself, or was said by sending", () => {
  const { typing, told } = typingOf();
  typing.set("c", true);
  jest.advanceTimersByTime(6000);
  typing.set("c", false);
  typing.set("d", true);
  typing.sent("d");
  typing.set("d", false);
  expect(told).toEqual([
    ["c", true],
    ["d", true],
  ]);
});

test("when the connection is lost nobody is shown", () => {
  const { typing, who } = typingOf();
  typing.hear({ chatId: "c", userId: "bob", typing: true });
  typing.clear();
  expect(who()).toEqual([]);
});
