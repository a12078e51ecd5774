import { test } from "vitest";
import { openReference } from "../../src/engine/backends/reference.ts";
import { PARITY_NAMES, readParity } from "./fixtures.ts";
import { replayFixture } from "./replay.ts";

test.each(PARITY_NAMES)("the float64 twins train %s as torch does", async (name) => {
  const { settings, tensors } = readParity(name);
  await replayFixture(openReference(), settings, tensors);
});
