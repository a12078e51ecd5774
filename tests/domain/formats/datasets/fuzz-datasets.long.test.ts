import { expect, test } from "vitest";
import { fuzz } from "../mutations.ts";
import { DATASET_FUZZ_TARGETS } from "./fuzz-datasets.ts";

test.each(DATASET_FUZZ_TARGETS)("$name: ten thousand spoilt files", async (target) => {
  expect(await fuzz(target, 10_000, 8)).toBeGreaterThan(0);
});
