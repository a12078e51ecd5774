import { beforeAll, describe, expect, test } from "vitest";
import type { Activation } from "../../src/engine/activation.ts";
import type { Backend } from "../../src/engine/backend.ts";
import type { Step } from "../../src/engine/plan.ts";
import { activationDerivative, activationOf } from "../../src/engine/reference/chain.ts";
import { expectClose } from "../close.ts";
import { BUILDS, openBuild } from "./cpu-builds.ts";
import { runLaunch } from "./single-launch.ts";

const GRID = Float32Array.from({ length: 40_001 }, (_, index) => (index - 20_000) / 200); // −100 to 100
const SMALL = Float32Array.from({ length: 4_001 }, (_, index) => (index - 2_000) * 1e-6);
const ODD = Float32Array.of(NaN, Infinity, -Infinity, 0, -0, 1e-40, 3e38, -3e38);

describe.each(BUILDS)("functions of %s", (build) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await openBuild(build);
  });

  async function chain(
    values: Float32Array,
    steps: readonly Step[],
    operand: Float32Array,
  ): Promise<Float32Array> {
    const shape = { rows: 1, columns: values.length, source: { buffer: 0, broadcast: "full" } } as const;
    const buffers = [values, new Float32Array(values.length), operand];
    return (await runLaunch(backend, { kind: "elementwise", ...shape, out: 1, steps }, buffers))[1]!;
  }

  const apply = (values: Float32Array, activation: Activation): Promise<Float32Array> =>
    chain(values, [{ kind: "activation", activation }], values);

  test.each(["tanh", "sigmoid", "relu", "leakyRelu"] as const)(
    "%s to six digits from −100 to 100",
    async (activation) => {
      for (const values of [GRID, SMALL]) {
        const want = Array.from(values, (x) => activationOf(activation, x));
        expectClose(await apply(values, activation), want, { absolute: 1e-37, relative: 6e-7 }, activation);
      }
    },
  );

  test("exp, softplus and silu to six digits, log and sqrt over all magnitudes", async () => {
    const near = GRID.filter((x) => Math.abs(x) < 80);
    const magnitudes = Float32Array.from({ length: 1501 }, (_, index) => 10 ** ((index - 750) / 20));
    const aroundOne = SMALL.map((x) => 1 + 100 * x);
    const cases = [
      ["exp", near],
      ["softplus", GRID.filter((x) => x > -80)],
      ["silu", GRID.filter((x) => x > -80)],
      ["log", magnitudes],
      ["log", aroundOne],
      ["sqrt", magnitudes],
    ] as const;
    for (const [activation, values] of cases) {
      const want = Array.from(values, (x) => activationOf(activation, x));
      expectClose(await apply(values, activation), want, { absolute: 1e-38, relative: 6e-7 }, activation);
    }
    expect([...(await apply(Float32Array.of(0, -1, Infinity, 1), "log"))]).toEqual([
      -Infinity,
      NaN,
      Infinity,
      0,
    ]);
  });

  test("gelu to six digits, in its tail to five of a number near 0", async () => {
    const near = GRID.filter((x) => x > -2);
    const tail = GRID.filter((x) => x > -5 && x < 0); // the float64 twin itself loses digits beyond
    const of = (x: number): number => activationOf("gelu", x);
    expectClose(await apply(near, "gelu"), Array.from(near, of), { relative: 1e-6 }, "gelu");
    expectClose(await apply(tail, "gelu"), Array.from(tail, of), { relative: 1e-5 }, "gelu's tail");
    expectClose(await apply(SMALL, "gelu"), Array.from(SMALL, of), { relative: 1e-6 }, "gelu near 0");
  });

  test("the derivative of gelu to six digits", async () => {
    const ones = new Float32Array(GRID.length).fill(1);
    const steps: Step[] = [{ kind: "activationGradient", activation: "gelu", saved: 2 }];
    const want = Array.from(GRID, (x) => activationDerivative("gelu", x));
    expectClose(await chain(ones, steps, GRID), want, { absolute: 1e-6 }, "gelu′");
  });

  test("not-a-number stays visible, infinities go where they should", async () => {
    const [tanh, sigmoid, relu] = await Promise.all([
      apply(ODD, "tanh"),
      apply(ODD, "sigmoid"),
      apply(ODD, "relu"),
    ]);
    for (const values of [tanh, sigmoid, relu]) expect(values[0]).toBeNaN();
    expect([...tanh.subarray(1, 4)]).toEqual([1, -1, 0]);
    expect([...sigmoid.subarray(1, 4)]).toEqual([1, 0, 0.5]);
    expect([...relu.subarray(1, 4)]).toEqual([Infinity, 0, 0]);
    expect((await apply(ODD, "gelu"))[0]).toBeNaN();
  });
});
