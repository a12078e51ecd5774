import type { Activation } from "../../src/engine/activation.ts";
import type { Backend, Executable } from "../../src/engine/backend.ts";
import { compile } from "../../src/engine/compile.ts";
import { warmupLinear } from "../../src/engine/optim/schedules.ts";
import { expectClose } from "../close.ts";
import { compileStep, traceAdapter, type AdapterShape, type StepOptions } from "./adapter-step.ts";
import type { AdapterFixture, FixtureTensor } from "./fixtures.ts";

/** Every batch of every epoch: consecutive rows, the last batch short. */
export function batchesOf({
  n,
  batch,
  epochs,
}: Pick<AdapterFixture, "n" | "batch" | "epochs">): Uint32Array[] {
  const batches: Uint32Array[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let start = 0; start < n; start += batch) {
      batches.push(Uint32Array.from({ length: Math.min(batch, n - start) }, (_, index) => start + index));
    }
  }
  return batches;
}

function shapeOf({ dim, config }: AdapterFixture): AdapterShape {
  if (config.hidden_features === undefined) return { dim, bias: config.bias };
  const activation = (config.activation_fn_str ?? "relu") as Activation;
  return { dim, hidden: config.hidden_features, activation, residual: config.add_residual ?? false };
}

/** |a − b| ≤ tol · max(1, |b|) with 99.9 % within 1e-4 and none beyond 2e-3. */
export function expectWeights(got: ArrayLike<number>, want: ArrayLike<number>, name: string): void {
  let far = 0;
  for (let index = 0; index < want.length; index++) {
    const distance = Math.abs(got[index]! - want[index]!) / Math.max(1, Math.abs(want[index]!));
    if (!(distance <= 2e-3)) throw new Error(`${name}[${index}]: got ${got[index]}, expected ${want[index]}`);
    if (distance > 1e-4) far++;
  }
  if (far > want.length * 1e-3)
    throw new Error(`${name}: ${far} of ${want.length} values are off by more than 1e-4`);
}

/** Trains a fixture's adapter and compares losses, norms, first gradients, final weights and outputs with torch's. */
export async function replayFixture(
  backend: Backend,
  settings: AdapterFixture,
  tensors: ReadonlyMap<string, FixtureTensor>,
): Promise<void> {
  const shape = shapeOf(settings);
  const { n: rows, scale, batch } = settings;
  const options: StepOptions = {
    ...{ rows, scale, batch, weightDecay: settings.weight_decay, maxNorm: settings.max_grad_norm },
    withGradients: true,
  };
  const full = await compileStep(backend, shape, options);
  const tail = await compileStep(backend, shape, { ...options, batch: rows % batch || batch }, full);
  full.write("queries", tensors.get("q")!.values);
  full.write("documents", tensors.get("d")!.values);
  for (const name of Object.keys(full.layout.parameters))
    full.write(name, tensors.get(`init.${name}`)!.values);
  const { losses, norms } = await train(full, tail, settings, tensors);
  expectClose(losses, settings.losses, { relative: 1e-4 }, "loss");
  if (settings.grad_norms_before_clip) {
    expectClose(norms, settings.grad_norms_before_clip, { relative: 1e-4 }, "gradient norm");
  }
  for (const name of Object.keys(full.layout.parameters)) {
    expectWeights(await full.read(name), tensors.get(`final.${name}`)!.values, name);
  }
  await expectOutput(backend, shape, full, tensors);
  tail.dispose();
  full.dispose();
}

async function train(
  full: Executable,
  tail: Executable,
  settings: AdapterFixture,
  tensors: ReadonlyMap<string, FixtureTensor>,
): Promise<{ losses: number[]; norms: number[] }> {
  const rate = warmupLinear({
    peak: settings.lr,
    warmupSteps: settings.warmup_steps,
    totalSteps: settings.total_steps,
  });
  const batches = batchesOf(settings);
  const isFull = (batch: Uint32Array): boolean => batch.length === settings.batch;
  for (const [step, batch] of batches.entries()) {
    (isFull(batch) ? full : tail).run({ batch, learningRate: rate(step) });
    if (step === 0) await expectFirstGradients(full, tensors);
  }
  const [fullRows, tailRows] = [[...(await full.log())], [...(await tail.log())]];
  await full.settle();
  const rows = batches.map((batch) => (isFull(batch) ? fullRows : tailRows).shift()!);
  return { losses: rows.map((row) => row["loss"]!), norms: rows.map((row) => row["norm"]!) };
}

async function expectFirstGradients(
  full: Executable,
  tensors: ReadonlyMap<string, FixtureTensor>,
): Promise<void> {
  for (const name of Object.keys(full.layout.parameters)) {
    const want = tensors.get(`grad1.${name}`);
    if (!want) continue;
    expectClose(
      await full.read(`grad.${name}`),
      want.values,
      { absolute: 2e-6, relative: 1e-4 },
      `grad1.${name}`,
    );
  }
}

async function expectOutput(
  backend: Backend,
  shape: AdapterShape,
  full: Executable,
  tensors: ReadonlyMap<string, FixtureTensor>,
): Promise<void> {
  const q = tensors.get("q")!;
  const want = tensors.get("out");
  if (!want) return;
  const forward = await compile(
    backend,
    (graph) => ({ outputs: { out: traceAdapter(graph, shape, graph.input("q", "f32", q.shape)).output } }),
    { sharing: full },
  );
  forward.run({ q: q.values });
  expectWeights(await forward.read("out"), want.values, "out");
  forward.dispose();
}
