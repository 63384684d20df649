const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long" });
const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long" });
const dateOfYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const short = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const midnight = (at: Date) => new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
const daysAgo = (at: Date) => Math.round((midnight(new Date()) - midnight(at)) / dayMs);

export const timeOf = (at: string) => clock.format(new Date(at));
export const fullTimeOf = (at: string) => full.format(new Date(at));
/** The same for all times of one day. */
export const dayKey = (at: string) => midnight(new Date(at));

/** Today, Yesterday, Monday, 3 May, 3 May 2021. */
export function dayOf(at: string): string {
  const day = new Date(at);
  const ago = daysAgo(day);
  if (ago <= 0) return "Today";
  if (ago === 1) return "Yesterday";
  if (ago < 7) return weekday.format(day);
  return (day.getFullYear() === new Date().getFullYear() ? date : dateOfYear).format(day);
}

/** For lists: the time of today, the day of before. */
export function briefly(at: string): string {
  const ago = daysAgo(new Date(at));
  return ago <= 0 ? timeOf(at) : ago < 7 ? dayOf(at) : short.format(new Date(at));
}

/** How long ago, for somebody who was here. */
export function ago(at: string): string {
  const ms = Date.now() - new Date(at).getTime();
  if (ms < minuteMs) return "just now";
  if (ms < hourMs) return `${Math.floor(ms / minuteMs)} min ago`;
  return daysAgo(new Date(at)) <= 0 ? `at ${timeOf(at)}` : briefly(at);
}

/** 45 s, 5 min, 2 h, 7 days. */
export function lasting(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h`;
  const days = Math.round(seconds / 86_400);
  return days === 1 ? "1 day" : `${days} days`;
}

export const inFuture = (at: string | null) => at !== null && new Date(at).getTime() > Date.now();
