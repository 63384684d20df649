/** Chance that can be had again: `TEST_SEED=… npm test -- <file>`; the seed is printed. */
export function seededRandom(): () => number {
  let state = Number(process.env["TEST_SEED"] ?? Date.now() % 1_000_000_007);
  console.log(`TEST_SEED=${state}`);
  return () => {
    // Park and Miller's.
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
