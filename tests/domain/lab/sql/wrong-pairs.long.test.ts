import { expect, test } from "vitest";
import { wrongPairs } from "./wrong-pairs.ts";

test.each([1, 2, 3])("a wrong query is accepted in at most 0.1 %% of 2,000 pairs, seed %i", async (seed) => {
  const { pairs, accepted, refusedGold } = await wrongPairs(2000, seed);
  expect(pairs).toBe(2000);
  expect(accepted.length).toBeLessThanOrEqual(2);
  expect(refusedGold).toEqual([]);
});
