import { pageBounds } from "./messages.ts";

test.each([
  ["the newest page", {}, 100, { from: 51, to: 100 }],
  ["above the newest page", { before: 51 }, 100, { from: 1, to: 50 }],
  ["above the first message", { before: 1 }, 100, { from: 1, to: 0 }],
  ["below a message", { after: 10 }, 100, { from: 11, to: 60 }],
  ["below the newest message", { after: 100 }, 100, { from: 101, to: 100 }],
  ["far below", { after: 5000 }, 100, { from: 101, to: 100 }],
  ["around a message", { around: 60 }, 100, { from: 36, to: 85 }],
  ["around the first", { around: 1 }, 100, { from: 1, to: 26 }],
  ["around the newest", { around: 100 }, 100, { from: 51, to: 100 }],
  ["a chat without messages", {}, 0, { from: 1, to: 0 }],
])("%s", (_name, place, lastSeq, bounds) => {
  expect(pageBounds(place, 50, lastSeq)).toEqual(bounds);
});
