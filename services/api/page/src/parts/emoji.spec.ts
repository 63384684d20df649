import { asEmoji, emojiGroups, findEmoji, isFewEmoji, quickEmoji } from "./emoji.ts";

test("all that is offered is one emoji each, and offered once", () => {
  const all = emojiGroups.flatMap(({ emoji }) => emoji);
  for (const { emoji, words } of all) {
    expect([emoji, asEmoji(emoji)]).toEqual([emoji, emoji]);
    expect(words).not.toBe("");
  }
  for (const emoji of quickEmoji) expect(asEmoji(emoji)).toBe(emoji);
});

test("any emoji is taken, and nothing else", () => {
  expect(asEmoji(" 🦦 ")).toBe("🦦");
  expect(asEmoji("👩🏽‍🚀")).toBe("👩🏽‍🚀");
  // As a keyboard may write it: without the sign that asks for colours.
  expect(asEmoji("❤")).toBe("❤️");
  for (const text of ["", "a", "ok 👍", "👍👍", "5"]) expect([text, asEmoji(text)]).toEqual([text, undefined]);
});

test("they are found by their names", () => {
  expect(findEmoji("party").map(({ emoji }) => emoji)).toContain("🎉");
  expect(findEmoji("red he").map(({ emoji }) => emoji)).toContain("❤️");
  expect(findEmoji("nothing of that name")).toEqual([]);
});

test("a few of them alone are shown large", () => {
  for (const text of ["🎉", "🎉 🐶", "❤️", "👩🏽‍🚀👍🏽🎉"]) expect([text, isFewEmoji(text)]).toEqual([text, true]);
  for (const text of ["", "🎉🎉🎉🎉", "Hi 🎉", "42", "#"]) expect([text, isFewEmoji(text)]).toEqual([text, false]);
});
