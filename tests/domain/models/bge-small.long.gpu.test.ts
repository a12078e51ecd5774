import { existsSync } from "node:fs";
import { test } from "vitest";
import { openDawn } from "../../engine/dawn.ts";
import { fourSteps, FOUR_STEPS } from "./four-steps.ts";
import { bgeSmall } from "./model-folders.ts";

test("four steps of bge-small on WebGPU have torch's losses and gradient norms", async () => {
  if (!existsSync(FOUR_STEPS)) {
    process.stdout.write(`${FOUR_STEPS} is absent: four steps of bge-small are not checked\n`);
    return;
  }
  const backend = await openDawn();
  await fourSteps(backend, bgeSmall());
  backend.dispose();
});
