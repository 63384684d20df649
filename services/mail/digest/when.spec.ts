import type { DigestInterval } from "@confab/contracts";
import { afterQuiet, decide, type Situation, type UnreadChat } from "./when.ts";

const minute = 60_000;
const hour = 60 * minute;
const at = (time: string) => Date.parse(time);

const now = at("2026-03-10T12:00:00Z");
const chat = (ago: { first?: number; urgent?: number } = {}): UnreadChat => ({
  ...{ chatId: "c", type: "group", title: null, readSeq: 0, fromSeq: 0, toSeq: 1, count: 1, messages: [] },
  firstAt: now - (ago.first ?? ago.urgent ?? 0),
  urgentAt: ago.urgent === undefined ? null : now - ago.urgent,
});
const usual = { notifications: true, digest: "hourly", quietHours: null, timeZone: null } as const;
const situation = (chats: UnreadChat[], more: Partial<Situation> = {}, preferences: Partial<Situation["preferences"]> = {}) =>
  decide({ now, chats, notifyAfterMs: 2 * minute, ...more, preferences: { ...usual, ...preferences } });

test("where nothing is unread, or nobody wants to hear of it, there is nothing to do", () => {
  expect(situation([])).toEqual({ what: "nothing" });
  expect(situation([chat()], {}, { digest: "never" })).toEqual({ what: "nothing" });
  expect(situation([chat({ urgent: hour })], {}, { digest: "never", notifications: false })).toEqual({ what: "nothing" });
});

describe("a notification", () => {
  test("is due when something urgent has lain unread for so long, and tells of what is urgent alone", () => {
    const [urgent, other] = [chat({ urgent: 2 * minute }), chat({ first: 10 * minute })];
    expect(situation([urgent, other])).toEqual({ what: "mail", kind: "notification", chats: [urgent] });
    expect(situation([chat({ urgent: minute }), other])).toEqual({ what: "later", at: now + minute, isUrgent: true });
  });

  test("comes also where digests never do, and not where notifications are off", () => {
    const urgent = chat({ urgent: 3 * minute });
    expect(situation([urgent], {}, { digest: "never" })).toMatchObject({ what: "mail", kind: "notification" });
    expect(situation([urgent], {}, { notifications: false })).toEqual({ what: "later", at: now + 57 * minute, isUrgent: false });
  });

  test("follows another one with restraint", () => {
    const urgent = chat({ urgent: 3 * minute });
    expect(situation([urgent], { notifiedAt: now - 4 * minute })).toEqual({
      what: "later",
      at: now + 6 * minute,
      isUrgent: true,
    });
    expect(situation([urgent], { notifiedAt: now - 10 * minute })).toMatchObject({ what: "mail", kind: "notification" });
  });
});

describe("a digest", () => {
  const intervals: [DigestInterval, number][] = [
    ["now", 2 * minute],
    ["quarter-hourly", 15 * minute],
    ["hourly", hour],
    ["daily", 24 * hour],
  ];
  test.each(intervals)("%s: counted from the first message untold, and from the digest before", (digest, interval) => {
    const since = (first: number, more: Partial<Situation> = {}) => situation([chat(), chat({ first })], more, { digest });
    expect(since(interval)).toMatchObject({ what: "mail", kind: "digest" });
    expect(since(interval - 1)).toEqual({ what: "later", at: now + 1, isUrgent: false });
    expect(since(10 * interval, { digestAt: now - interval + 1 })).toEqual({ what: "later", at: now + 1, isUrgent: false });
    expect(since(10 * interval, { digestAt: now - interval })).toMatchObject({ what: "mail", kind: "digest" });
  });

  test("tells of all where a notification is due too", () => {
    const chats = [chat({ urgent: 3 * minute }), chat({ first: 2 * hour })];
    expect(situation(chats)).toEqual({ what: "mail", kind: "digest", chats });
  });

  test("that is far off is looked at within the hour: preferences may change, and messages be read", () => {
    expect(situation([chat()], {}, { digest: "daily" })).toEqual({ what: "later", at: now + hour, isUrgent: false });
  });

  test("waits for the end of the quiet hours, and so does a notification", () => {
    const quiet = { quietHours: { from: "11:30", to: "12:30" }, timeZone: "UTC" };
    const later = { what: "later", at: now + 30 * minute };
    expect(situation([chat({ first: hour })], {}, quiet)).toEqual({ ...later, isUrgent: false });
    expect(situation([chat({ urgent: hour })], {}, quiet)).toEqual({ ...later, isUrgent: true });
    // Due in the quiet that is to come.
    const soon = { quietHours: { from: "12:10", to: "12:40" }, timeZone: "UTC" };
    expect(situation([chat({ first: 45 * minute })], {}, soon)).toEqual({
      ...{ what: "later", at: now + 40 * minute, isUrgent: false },
    });
  });
});

describe("quiet hours", () => {
  const night = { from: "22:00", to: "07:00" };
  const noon = { from: "12:00", to: "13:30" };
  const cases: [string, { from: string; to: string } | null, string | null, string, string][] = [
    ["none", null, "Europe/Berlin", "2026-01-10T23:00:00Z", "2026-01-10T23:00:00Z"],
    ["from is to: none", { from: "08:00", to: "08:00" }, null, "2026-01-10T08:00:00Z", "2026-01-10T08:00:00Z"],
    ["in the evening, until the next morning", night, "Europe/Berlin", "2026-01-10T21:30:00Z", "2026-01-11T06:00:00Z"],
    ["after midnight, until the same morning", night, "Europe/Berlin", "2026-01-11T02:00:00Z", "2026-01-11T06:00:00Z"],
    ["not yet", night, "Europe/Berlin", "2026-01-10T20:59:59Z", "2026-01-10T20:59:59Z"],
    ["they begin", night, "Europe/Berlin", "2026-01-10T21:00:00Z", "2026-01-11T06:00:00Z"],
    ["they are over", night, "Europe/Berlin", "2026-01-11T06:00:00Z", "2026-01-11T06:00:00Z"],
    ["in summer", night, "Europe/Berlin", "2026-07-10T20:00:00Z", "2026-07-11T05:00:00Z"],
    ["within a day", noon, "Asia/Kolkata", "2026-01-10T07:00:00Z", "2026-01-10T08:00:00Z"],
    ["half an hour off", night, "Asia/Kolkata", "2026-01-10T16:30:00Z", "2026-01-11T01:30:00Z"],
    ["half an hour off, not yet", night, "Asia/Kolkata", "2026-01-10T16:29:59Z", "2026-01-10T16:29:59Z"],
    ["another date there", night, "America/New_York", "2026-01-11T03:30:00Z", "2026-01-11T12:00:00Z"],
    ["without a zone it is UTC", night, null, "2026-01-10T23:00:00Z", "2026-01-11T07:00:00Z"],
    ["a zone that is not known here is UTC", night, "Mars/Olympus", "2026-01-10T23:00:00Z", "2026-01-11T07:00:00Z"],
    // Clocks go from 2 to 3, and from 3 to 2, in the night.
    ["a night of eight hours", night, "Europe/Berlin", "2026-03-28T22:00:00Z", "2026-03-29T05:00:00Z"],
    ["a night of ten hours", night, "Europe/Berlin", "2026-10-24T21:00:00Z", "2026-10-25T06:00:00Z"],
    ["a night of eight hours", night, "America/New_York", "2026-03-08T03:00:00Z", "2026-03-08T11:00:00Z"],
    ["a night of ten hours", night, "America/New_York", "2026-11-01T02:00:00Z", "2026-11-01T12:00:00Z"],
    ["an end that clocks skip", { from: "00:30", to: "02:30" }, "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T01:30:00Z"],
    [
      "a beginning that clocks skip",
      { from: "02:30", to: "05:00" },
      "Europe/Berlin",
      "2026-03-29T01:40:00Z",
      "2026-03-29T03:00:00Z",
    ],
    [
      "a time that is there twice",
      { from: "01:00", to: "02:30" },
      "Europe/Berlin",
      "2026-10-25T00:10:00Z",
      "2026-10-25T00:30:00Z",
    ],
  ];
  test.each(cases)("%s", (_, quietHours, timeZone, time, expected) => {
    expect(new Date(afterQuiet({ quietHours, timeZone }, at(time))).toISOString()).toBe(new Date(expected).toISOString());
  });
});
