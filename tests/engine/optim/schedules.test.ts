import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { warmupCosine, warmupLinear } from "../../../src/engine/optim/schedules.ts";
import { expectClose } from "../../close.ts";

test("warm-up then linear decay gives LlamaIndex's own learning rates to 1e-12", () => {
  const fixture = JSON.parse(
    readFileSync("tests/fixtures/llamaindex/adapter_fixture.json", "utf8"),
  ) as Record<string, { lrs?: number[]; opt: { initial_lr: number }; warmup: number; steps: number }>;
  const runs = Object.values(fixture).filter((run) => run.lrs !== undefined);
  expect(runs.length).toBe(5);
  for (const { lrs, opt, warmup, steps } of runs) {
    const rate = warmupLinear({ peak: opt.initial_lr, warmupSteps: warmup, totalSteps: steps });
    expectClose(
      lrs!.map((_, step) => rate(step)),
      lrs!,
      { absolute: 1e-17, relative: 1e-12 },
    );
  }
});

test("without warm-up the first step has the peak, the step after the last has 0", () => {
  const rate = warmupLinear({ peak: 2, warmupSteps: 0, totalSteps: 4 });
  expect([0, 1, 2, 3, 4, 5].map(rate)).toEqual([2, 1.5, 1, 0.5, 0, 0]);
});

test("a cosine falls through half the peak in the middle", () => {
  const rate = warmupCosine({ peak: 1, warmupSteps: 2, totalSteps: 12 });
  expectClose([0, 1, 2, 7, 12].map(rate), [0, 0.5, 1, 0.5, 0], { absolute: 1e-15 });
});
