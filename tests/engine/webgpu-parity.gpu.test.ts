import { afterAll, beforeAll, test } from "vitest";
import type { Backend } from "../../src/engine/backend.ts";
import { openDawn } from "./dawn.ts";
import { LLAMAINDEX_RUNS, PARITY_NAMES, readLlamaIndex, readParity } from "./fixtures.ts";
import { replayFixture } from "./replay.ts";

let backend: Backend;
beforeAll(async () => {
  backend = await openDawn();
});
afterAll(() => backend.dispose());

test.each(PARITY_NAMES)("WebGPU trains %s as torch does", async (name) => {
  const { settings, tensors } = readParity(name);
  await replayFixture(backend, settings, tensors);
});

test.each(LLAMAINDEX_RUNS)("WebGPU trains LlamaIndex's run %s to its losses and weights", async (name) => {
  const { settings, tensors } = readLlamaIndex(name);
  await replayFixture(backend, settings, tensors);
});
