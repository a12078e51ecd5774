import { afterAll, beforeAll, test } from "vitest";
import type { Backend } from "../../src/engine/backend.ts";
import { openDawn } from "./dawn.ts";
import { PARITY_NAMES, readParity } from "./fixtures.ts";
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
