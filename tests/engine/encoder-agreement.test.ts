import { describe, test } from "vitest";
import { BUILDS, openBuild } from "./cpu-builds.ts";
import { ENCODER_STEPS, expectAgreement } from "./encoder-agreement.ts";

describe.each(BUILDS)("on %s", (build) => {
  test.each(ENCODER_STEPS)(
    "a step of an encoder with %s is that of the float64 twins",
    async (_name, shape) => {
      const backend = await openBuild(build);
      await expectAgreement(backend, shape);
      backend.dispose();
    },
  );
});
