import fc from "fast-check";
import { time } from "./present.ts";

test("a time is told as toISOString tells it", () => {
  const at = fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) });
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          at,
          at.map((ms) => Math.floor(ms / 86_400_000) * 86_400_000),
        ),
      ),
      (times) => {
        expect(times.map(time)).toEqual(times.map((ms) => new Date(ms).toISOString()));
      },
    ),
    { numRuns: 300 },
  );
});
