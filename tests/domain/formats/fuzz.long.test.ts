import { expect, test } from "vitest";
import { fuzz } from "./mutations.ts";
import { FUZZ_TARGETS } from "./fuzz-targets.ts";

test.each(FUZZ_TARGETS)("$name: ten thousand spoilt files", async (target) => {
  expect(await fuzz(target, 10_000, 7)).toBeGreaterThan(0);
});
