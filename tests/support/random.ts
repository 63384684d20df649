/** Numbers from 0 to 1, ever the same from the same seed. */
export type Random = () => number;

/** Chance that can be had again: `TEST_SEED=… npm test -- <file>`; the seed is printed. */
export function seededRandom(): Random {
  const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 1_000_000_007);
  console.log(`TEST_SEED=${seed}`);
  return randomFrom(seed);
}

export function randomFrom(seed: number): Random {
  let state = Math.max(1, Math.floor(seed) % 2_147_483_647);
  return () => {
    // Park and Miller's.
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** A chance of its own, so that what one part of a test draws does not hang on how much another one has drawn. */
export const fork = (random: Random): Random => randomFrom(random() * 2_147_483_646);

export const between = (random: Random, low: number, high: number): number => low + random() * (high - low);
export const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)]!;

export function shuffle<T>(random: Random, items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
