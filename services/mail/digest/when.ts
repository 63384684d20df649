/* When somebody is mailed about what they have unread. Pure: what is known goes in, what to do comes out. */
import type { DigestInterval, Preferences, Result } from "@confab/contracts";
import { DateTime } from "luxon";

export type Unread = Result<"chat.digest.read">;
export type UnreadChat = Unread["chats"][number];
export type Kind = "notification" | "digest";

/** What is known of somebody. Times are milliseconds since 1970. */
export interface Situation {
  now: number;
  preferences: Pick<Preferences, "notifications" | "digest" | "quietHours" | "timeZone">;
  /** What is unread and untold. */
  chats: readonly UnreadChat[];
  /** When the last mail of each kind was made. */
  digestAt?: number;
  notifiedAt?: number;
  /** How long what is urgent lies unread before it is mailed. */
  notifyAfterMs: number;
}

export type Decision =
  { what: "nothing" } | { what: "later"; at: number; isUrgent: boolean } | { what: "mail"; kind: Kind; chats: UnreadChat[] };

const minute = 60_000;
/** What is put off is looked at again by then: it may have been read, or the preferences be others. */
const lookAgainMs = 60 * minute;
/** Somebody who is written to all the time gets a notification so many times more rarely than the first one takes. */
const restraint = 5;

export function intervalOf(digest: DigestInterval, notifyAfterMs: number): number {
  const intervals = {
    now: notifyAfterMs,
    "quarter-hourly": 15 * minute,
    hourly: 60 * minute,
    daily: 24 * 60 * minute,
    never: Infinity,
  };
  return intervals[digest];
}

/** Whether somebody is to be mailed now, and of what; or when to look again. Whether they are there is not asked here. */
export function decide({ now, preferences, chats, digestAt, notifiedAt, notifyAfterMs }: Situation): Decision {
  const urgent = preferences.notifications ? chats.filter(({ urgentAt }) => urgentAt !== null) : [];
  const notifyAt = Math.max(
    Math.min(...urgent.map(({ urgentAt }) => urgentAt!)) + notifyAfterMs,
    (notifiedAt ?? -Infinity) + restraint * notifyAfterMs,
  );
  const interval = intervalOf(preferences.digest, notifyAfterMs);
  const tellAt = Math.max(Math.min(...chats.map(({ firstAt }) => firstAt)), digestAt ?? -Infinity) + interval;
  const first = Math.min(notifyAt, tellAt);
  if (first === Infinity) return { what: "nothing" };
  const at = afterQuiet(preferences, Math.max(first, now));
  if (at > now) return { what: "later", at: Math.min(at, now + lookAgainMs), isUrgent: urgent.length > 0 };
  // Where both are due one mail tells of all.
  if (tellAt <= now) return { what: "mail", kind: "digest", chats: [...chats] };
  return { what: "mail", kind: "notification", chats: urgent };
}

/** The time itself, or the end of the quiet hours that it falls into. */
export function afterQuiet({ quietHours, timeZone }: Pick<Preferences, "quietHours" | "timeZone">, at: number): number {
  if (!quietHours || quietHours.from === quietHours.to) return at;
  const there = DateTime.fromMillis(at, { zone: timeZone ?? "utc" });
  // One that this node does not know: its tables are older than those of the one that took it.
  const today = (there.isValid ? there : DateTime.fromMillis(at, { zone: "utc" })).startOf("day");
  const crossesMidnight = quietHours.to < quietHours.from;
  for (const day of crossesMidnight ? [today.minus({ days: 1 }), today] : [today]) {
    const from = clockAt(day, quietHours.from);
    const to = clockAt(crossesMidnight ? day.plus({ days: 1 }) : day, quietHours.to);
    if (from <= at && at < to) return to;
  }
  return at;
}

/** When the clocks there show this time on that day; where they skip it, when they would have. */
function clockAt(day: DateTime, time: string): number {
  const [hour, minutes] = time.split(":").map(Number);
  return day.set({ hour: hour!, minute: minutes! }).toMillis();
}
