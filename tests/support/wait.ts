/** G4: an entry whose event was lost is repaired within 30 seconds. */
export const repairedMs = 30_000;

/** Asks again until there is an answer that is not undefined, null or false. */
export async function eventually<T>(
  what: string | (() => string),
  ask: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  { limit = 60_000, every = 50, throwAtOnce = false }: { limit?: number; every?: number; throwAtOnce?: boolean } = {},
): Promise<T> {
  const deadline = Date.now() + limit;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== null && answer !== false) return answer;
      last = answer;
    } catch (error) {
      if (throwAtOnce) throw error;
      last = error;
    }
    if (Date.now() > deadline) {
      const why = last instanceof Error || typeof last === "object" ? `: ${(last as Error | null)?.message}` : "";
      throw new Error(
        `not within ${limit / 1000} s: ${typeof what === "string" ? what : what()}${why}`,
        last ? { cause: last } : {},
      );
    }
    await pause(every);
  }
}

export const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
