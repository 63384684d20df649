/** The forms of a word that a language counts by; every language has `other`. */
type Forms = { other: string } & Partial<Record<Intl.LDMLPluralRule, string>>;

/** How a language writes numbers and times. */
export function speech(locale: string) {
  const plural = new Intl.PluralRules(locale);
  const number = new Intl.NumberFormat(locale);
  const day = { day: "numeric", month: "long", year: "numeric" } as const;
  const clocks = { time: zoned(locale, day), moment: zoned(locale, { day: "numeric", month: "short" }) };

  return {
    /** As in `1,234 messages`. */
    count: (howMany: number, forms: Forms) => `${number.format(howMany)} ${forms[plural.select(howMany)] ?? forms.other}`,
    /** Day and time, with the time zone. */
    time: (iso: string) => clocks.time("UTC").format(new Date(iso)),
    /** The same, short, of something that was lately. */
    moment: (iso: string, timeZone: string) => clocks.moment(timeZone).format(new Date(iso)),
  };
}

/** Clocks of one kind, each made once, since that costs more than a whole mail. */
function zoned(locale: string, day: Intl.DateTimeFormatOptions): (timeZone: string) => Intl.DateTimeFormat {
  const clocks = new Map<string, Intl.DateTimeFormat>();
  return (timeZone) => {
    let clock = clocks.get(timeZone);
    if (!clock) {
      clock = new Intl.DateTimeFormat(locale, { ...day, hour: "2-digit", minute: "2-digit", timeZoneName: "short", timeZone });
      clocks.set(timeZone, clock);
    }
    return clock;
  };
}

/** The time zone that is meant; UTC where nobody knows the reader's, or this node does not know it. */
export function zoneOf(given: string | undefined): string {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: given ?? "UTC" }).resolvedOptions().timeZone;
  } catch {
    return "UTC";
  }
}
