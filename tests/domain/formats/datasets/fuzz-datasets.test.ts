import { expect, test } from "vitest";
import { fuzz } from "../mutations.ts";
import { DATASET_FUZZ_TARGETS } from "./fuzz-datasets.ts";

const CASES = 300;

test.each(DATASET_FUZZ_TARGETS)("$name: spoilt files are read or refused by name", async (target) => {
  for (const seed of target.seeds) await target.read(seed.slice()); // the originals are fine
  expect(await fuzz(target, CASES, 20_261_122)).toBeGreaterThan(CASES / 10);
});
