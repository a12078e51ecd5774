import { afterAll, beforeAll, expect, test } from "vitest";
import { replaySequence } from "../../cli/parity/replay-sequence.ts";
import type { SequenceFixture } from "../../cli/parity/sequence-fixture.ts";
import type { Backend } from "../../src/engine/backend.ts";
import { openReference } from "../../src/engine/backends/reference.ts";
import { openTestCpu } from "../domain/recipes/open-backend.ts";
import { expectReplay, recordedRun, SEQUENCE_RUNS } from "./sequence-parity.ts";

const reference = openReference();
let cpu: Backend;
beforeAll(async () => {
  cpu = await openTestCpu();
});
afterAll(() => cpu.dispose());

test.each(SEQUENCE_RUNS)("%s trains on the float64 twin as torch trained it", (name) =>
  expectReplay(name, reference),
);

test.each(SEQUENCE_RUNS)("%s trains on the CPU backend as torch trained it", (name) =>
  expectReplay(name, cpu),
);

test("another scale, rate, warm-up or pooling than was recorded is found", async () => {
  const run = await recordedRun("encoder-cls");
  const failedWith = async (change: Partial<SequenceFixture["settings"]>): Promise<readonly string[]> => {
    const checks = await replaySequence({ ...run, settings: { ...run.settings, ...change } }, cpu);
    return checks.filter(({ passed }) => !passed).map(({ name }) => name);
  };
  expect(await failedWith({ scale: 20.1 })).toContain("losses");
  expect(await failedWith({ lr: 1.5e-3 })).toEqual(expect.arrayContaining(["losses", "final"]));
  expect(await failedWith({ warmup_steps: 0 })).toContain("final");
  expect(await failedWith({ pooling: "mean" })).toContain("fwd.q");
});
