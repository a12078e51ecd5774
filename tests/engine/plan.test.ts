import { expect, test } from "vitest";
import type { Backend } from "../../src/engine/backend.ts";
import { openReference } from "../../src/engine/backends/reference.ts";
import type { Launch, Plan } from "../../src/engine/plan.ts";
import { compileStep, type AdapterShape } from "./adapter-step.ts";

/** Keeps the plan that a backend is given. */
async function planOf(shape: AdapterShape): Promise<Plan> {
  const reference = openReference();
  let seen: Plan | undefined;
  const spy: Backend = {
    ...reference,
    prepare(plan, sharing) {
      seen = plan;
      return reference.prepare(plan, sharing);
    },
  };
  await compileStep(spy, shape, { rows: 40, batch: 10, scale: 20 });
  return seen!;
}

const kinds = (launches: readonly Launch[]): string[] => launches.map(({ kind }) => kind);

test("a linear adapter step, clipping included, is at most 9 launches, with or without bias", async () => {
  console.log(
    kinds((await planOf({ dim: 384, bias: false })).launches),
    (await planOf({ dim: 384 })).prologue,
  );
  expect((await planOf({ dim: 384, bias: false })).launches.length).toBeLessThanOrEqual(9);
  expect((await planOf({ dim: 384, bias: true })).launches.length).toBeLessThanOrEqual(9);
});

test("a two-layer adapter step with residual is at most 14 launches with every activation", async () => {
  for (const activation of ["relu", "tanh", "sigmoid", "leakyRelu", "gelu"] as const) {
    const { launches } = await planOf({ dim: 384, hidden: 1024, activation, residual: true });
    console.log(kinds(launches));
    expect(launches.length, activation).toBeLessThanOrEqual(14);
  }
});
