import { existsSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import type { Backend } from "../../../src/engine/backend.ts";
import { openDawn } from "../../engine/dawn.ts";
import { fourSteps, FOUR_STEPS } from "./four-steps.ts";
import { bgeSmall } from "./model-folders.ts";

let backend: Backend | undefined;
afterAll(() => backend?.dispose());

test.runIf(existsSync(FOUR_STEPS))("four steps of bge-small on WebGPU are torch's", async () => {
  backend = await openDawn({ watchdogMs: 600_000 }); // one step is minutes of a software adapter
  expect(backend.kind).toBe("webgpu");
  await fourSteps(backend, bgeSmall());
});
