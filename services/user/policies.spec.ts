import { chooseName, isAlive, judgeRefresh, limitsOfLife, normalizeEmail, noteUse } from "./policies.ts";

const day = 86_400_000;
const now = 1_000 * day;
const limits = limitsOfLife({ SESSION_IDLE_DAYS: 30, SESSION_MAX_DAYS: 90 }, now);

test("addresses are compared without blanks around them and in lower case", () => {
  expect(normalizeEmail(" Ann@Example.ORG ")).toBe("ann@example.org");
});

test.each([
  ["Ann", "ann@example.org", "Ann"],
  ["  Ann ", "ann@example.org", "Ann"],
  [undefined, "ann@example.org", "ann"],
  [undefined, `${"a".repeat(200)}@example.org`, "a".repeat(100)],
  ["😀".repeat(100), "ann@example.org", "😀".repeat(100)],
])("name %p of %p is %p", (given, email, name) => {
  expect(chooseName(given, email)).toBe(name);
});

test.each([
  ["used just now", { createdAt: now - day, lastUsedAt: now }, true],
  ["ended", { createdAt: now - day, lastUsedAt: now, endedAt: now - 1 }, false],
  ["idle for 30 days", { createdAt: now - 40 * day, lastUsedAt: now - 30 * day }, false],
  ["idle for almost 30 days", { createdAt: now - 40 * day, lastUsedAt: now - 30 * day + 1 }, true],
  ["90 days old, however much used", { createdAt: now - 90 * day, lastUsedAt: now }, false],
])("a session that is %s is alive: %#", (_, session, alive) => {
  expect(isAlive({ _id: "s", epoch: 0, ...session }, {}, limits, now)).toBe(alive);
});

const young = { _id: "s", epoch: 0, createdAt: now - day, lastUsedAt: now };
test.each([
  ["of the user's epoch", { epoch: 2 }, { epoch: 2 }, true],
  ["of a user whose sessions were never ended", {}, {}, true],
  ["of an epoch before", { epoch: 1 }, { epoch: 2 }, false],
  ["of a user whose sessions were ended for the first time", {}, { epoch: 1 }, false],
  ["the one that was kept", { epoch: 1 }, { epoch: 2, keptSession: "s" }, true],
  ["not the one that was kept", { epoch: 1 }, { epoch: 2, keptSession: "other" }, false],
  ["of a banned user", {}, { ban: { reason: "", at: now } }, false],
  ["of a user whose ban is not over", {}, { ban: { reason: "", at: now, until: now + 1 } }, false],
  ["of a user whose ban is over", {}, { ban: { reason: "", at: now - 2, until: now } }, true],
  ["of a user being erased", {}, { erasing: true as const }, false],
  ["of an erased user", {}, { erasedAt: now }, false],
])("a session %s is alive: %#", (_, session, owner, alive) => {
  expect(isAlive({ ...young, ...session }, owner, limits, now)).toBe(alive);
});

test("the last use is noted once a minute", () => {
  expect(noteUse(now - 59_999, now)).toBe(now - 59_999);
  expect(noteUse(now - 60_000, now)).toBe(now);
});

const session = { generation: 5, rotatedAt: now - 10_000 };
const old = { current: false, genuine: true };
test.each([
  ["the current one", session, { generation: 5, current: true, genuine: true }, "rotate"],
  ["the current one after a change of the signing key", session, { generation: 5, current: true, genuine: false }, "rotate"],
  ["replaced within the grace", session, { ...old, generation: 4 }, "repeat"],
  ["replaced at the end of the grace", { ...session, rotatedAt: now - 30_000 }, { ...old, generation: 4 }, "repeat"],
  ["replaced before the grace", { ...session, rotatedAt: now - 30_001 }, { ...old, generation: 4 }, "reused"],
  ["older than the replaced one", session, { ...old, generation: 3 }, "reused"],
  ["forged", session, { generation: 4, current: false, genuine: false }, "refused"],
  ["of a generation that is not there", session, { ...old, generation: 6 }, "refused"],
] as const)("a token that is %s", (_, session, token, verdict) => {
  expect(judgeRefresh(session, token, { alive: true, now, grace: 30_000 })).toBe(verdict);
  expect(judgeRefresh(session, token, { alive: false, now, grace: 30_000 })).toBe("refused");
});
