import { afterAll, beforeAll, test } from "vitest";
import type { Backend } from "../../src/engine/backend.ts";
import { openDawn } from "./dawn.ts";
import { ENCODER_STEPS, expectAgreement } from "./encoder-agreement.ts";

let backend: Backend;
beforeAll(async () => {
  backend = await openDawn();
});
afterAll(() => backend.dispose());

test.each(ENCODER_STEPS)(
  "a step of an encoder with %s is that of the float64 twins",
  async (_name, shape) => {
    await expectAgreement(backend, shape);
  },
);
