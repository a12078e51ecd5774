import { beforeAll, expect, test } from "vitest";
import type { Backend } from "../../src/engine/backend.ts";
import { openReference } from "../../src/engine/backends/reference.ts";
import type { WebGpuOptions } from "../../src/engine/backends/webgpu.ts";
import { expectClose } from "../close.ts";
import { compileStep } from "./adapter-step.ts";
import { openDawn } from "./dawn.ts";
import { randomValues } from "./fixtures.ts";

const [DIM, HIDDEN, ROWS] = [96, 200, 12];
const TENSOR_BYTES = DIM * HIDDEN * 4; // the largest that one launch binds; the arenas are twice and four times as large
const WEIGHTS = ["linear1.weight", "linear1.bias", "linear2.weight", "linear2.bias"];
const NAMES = [...WEIGHTS, "linear1.weight.m", "linear2.weight.v"];

/** Weights, moments and losses after three steps. */
async function trained(options: WebGpuOptions): Promise<unknown> {
  const backend = await openDawn(options);
  const shape = { dim: DIM, hidden: HIDDEN, residual: true };
  const step = await compileStep(backend, shape, { rows: ROWS, batch: 6, scale: 20, maxNorm: 0.1 });
  step.write("queries", randomValues(ROWS * DIM, 1));
  step.write("documents", randomValues(ROWS * DIM, 2));
  step.write("residual_weight", Float32Array.of(1));
  for (const [index, name] of WEIGHTS.entries()) {
    const size = name.endsWith("weight") ? DIM * HIDDEN : name === "linear1.bias" ? HIDDEN : DIM;
    step.write(
      name,
      randomValues(size, index + 3).map((value) => value / 10),
    );
  }
  for (let index = 0; index < 3; index++) {
    step.run({
      batch: Uint32Array.from({ length: 6 }, (_, row) => (row + index) % ROWS),
      learningRate: 0.01,
    });
  }
  const values = [];
  for (const name of NAMES) values.push(await step.read(name));
  const log = await step.log();
  step.dispose();
  backend.dispose();
  return { values, log };
}

let whole: unknown; // as it is without limits
beforeAll(async () => {
  whole = await trained({});
});

test("arenas beyond the binding limit train to the same bits, in pieces", async () => {
  expect(await trained({ bindingBytes: TENSOR_BYTES })).toEqual(whole);
});

test("a single tensor beyond the binding limit is out-of-memory, by name", async () => {
  await expect(trained({ bindingBytes: TENSOR_BYTES / 2 })).rejects.toMatchObject({
    code: "out-of-memory",
    message: expect.stringContaining("allows a binding") as string,
  });
});

test("a step cut into a submit a dispatch trains to the same bits", async () => {
  expect(await trained({ submitMs: 0 })).toEqual(whole);
});

/** Two lengths of batch over the same parameters, in turn. */
async function alternating(backend: Backend): Promise<ArrayLike<number>> {
  const options = { rows: ROWS, scale: 20 };
  const long = await compileStep(backend, { dim: 16 }, { ...options, batch: 8 });
  const short = await compileStep(backend, { dim: 16 }, { ...options, batch: 3 }, long);
  long.write("queries", randomValues(ROWS * 16, 1));
  long.write("documents", randomValues(ROWS * 16, 2));
  long.write("linear.weight", randomValues(256, 3));
  for (const [index, step] of [long, short, long, short, short, long].entries()) {
    const batch = Uint32Array.from({ length: step === long ? 8 : 3 }, (_, row) => (row + index) % ROWS);
    step.run({ batch, learningRate: 0.01 });
  }
  const weights = await short.read("linear.weight");
  short.dispose();
  long.dispose();
  return weights;
}

test("executables that use one memory in turn do not disturb each other", async () => {
  const backend = await openDawn();
  const want = await alternating(openReference());
  expectClose(await alternating(backend), want, { absolute: 1e-5, relative: 1e-4 });
  backend.dispose();
});
