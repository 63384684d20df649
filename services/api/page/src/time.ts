const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long" });
const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long" });
const dateOfYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const short = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

const dayMs = 86_400_000;
const midnight = (at: Date) => new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
const daysAgo = (at: Date) => Math.round((midnight(new Date()) - midnight(at)) / dayMs);

export const timeOf = (at: string) => clock.format(new Date(at));
export const sameDay = (a: string, b: string) => midnight(new Date(a)) === midnight(new Date(b));

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
