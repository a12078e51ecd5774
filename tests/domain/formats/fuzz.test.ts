import { expect, test } from "vitest";
import { fuzz } from "./mutations.ts";
import { FUZZ_TARGETS } from "./fuzz-targets.ts";

const CASES = 300;
const TEXT_READERS = /html|markdown|plain|some read/; // for them nearly everything is a text

test.each(FUZZ_TARGETS)("$name: spoilt files are read or refused by name, nothing else", async (target) => {
  for (const seed of target.seeds) await target.read(seed.slice()); // the originals are fine
  const refused = await fuzz(target, CASES, 20_261_121);
  expect(refused).toBeGreaterThan(TEXT_READERS.test(target.name) ? 0 : CASES / 4);
});
