import { expect, test } from "vitest";
import { wrongPairs } from "./wrong-pairs.ts";

test.each([1, 2, 3])(
  "of 2,000 wrong queries at most one in a thousand is accepted, seed %i",
  async (seed) => {
    const { pairs, accepted, refusedGold } = await wrongPairs(2000, seed);
    expect(pairs).toBe(2000);
    expect(accepted.length).toBeLessThanOrEqual(2);
    expect(refusedGold).toEqual([]);
  },
);
