import { test } from "vitest";
import { openReference } from "../../src/engine/backends/reference.ts";
import { LLAMAINDEX_RUNS, PARITY_NAMES, readLlamaIndex, readParity } from "./fixtures.ts";
import { replayFixture } from "./replay.ts";

test.each(PARITY_NAMES)("the float64 twins train %s as torch does", async (name) => {
  const { settings, tensors } = readParity(name);
  await replayFixture(openReference(), settings, tensors);
});

test.each(LLAMAINDEX_RUNS)(
  "the float64 twins train LlamaIndex's run %s to its losses and weights",
  async (name) => {
    const { settings, tensors } = readLlamaIndex(name);
    await replayFixture(openReference(), settings, tensors);
  },
);
