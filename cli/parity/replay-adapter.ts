import { traceAdapter, type TracedAdapter } from "../../src/domain/models/adapter-graph.ts";
import { parameterShapes, trainableNames } from "../../src/domain/models/adapter-weights.ts";
import type { TensorData } from "../../src/domain/matrix.ts";
import { grad } from "../../src/engine/autodiff.ts";
import type { Backend, Executable } from "../../src/engine/backend.ts";
import { compile } from "../../src/engine/compile.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import type { Graph, Tensor } from "../../src/engine/graph.ts";
import { gather } from "../../src/engine/ops/rows.ts";
import { mnrl } from "../../src/engine/ops/mnrl.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../src/engine/optim/clip.ts";
import { warmupLinear } from "../../src/engine/optim/schedules.ts";
import { check, type Check } from "./compare.ts";
import type { AdapterFixture, AdapterFixtureSettings } from "./fixture.ts";

const CLOSE = { tolerance: 1e-4 };
const EXACT_RATE = { tolerance: 1e-12 };
const FINAL = { tolerance: 1e-4, outliers: { share: 0.001, bound: 2e-3 } };

/** Trains a recorded adapter run again on `backend` and compares every recorded number. */
export async function replayAdapter(fixture: AdapterFixture, backend: Backend): Promise<readonly Check[]> {
  const { settings, tensors } = fixture;
  const rates = learningRates(settings);
  const gradients = await firstGradients(fixture, backend);
  const trained = await train(fixture, backend, rates);
  const named = (prefix: string): [string, TensorData][] =>
    [...tensors]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]);
  const all = (values: readonly Float32Array[]): Float32Array =>
    Float32Array.from(values.flatMap((part) => [...part]));
  const checks = [check("losses", trained.losses, settings.losses, CLOSE)];
  if (settings.grad_norms_before_clip) {
    checks.push(check("gradient norms", trained.norms, settings.grad_norms_before_clip, CLOSE));
  }
  checks.push(
    check("learning rate", rates, settings.learning_rates ?? settings.lrs ?? stated(settings), EXACT_RATE),
  );
  for (const [name, tensor] of named("grad1.")) {
    checks.push(check(`grad1.${name}`, gradients.get(name) ?? [], tensor.values, CLOSE));
  }
  const final = named("final.");
  const got = final.map(([name]) => trained.weights.get(name) ?? new Float32Array(0));
  checks.push(check("final", all(got), all(final.map(([, tensor]) => tensor.values)), FINAL));
  const out = tensors.get("out");
  if (out) checks.push(check("out", await forward(fixture, backend, trained.weights), out.values, CLOSE));
  return checks;
}

/** The rates our schedule gives. */
function learningRates({ lr, warmup_steps, total_steps, losses }: AdapterFixtureSettings): readonly number[] {
  const totalSteps = total_steps ?? losses.length;
  const schedule = warmupLinear({ peak: lr, warmupSteps: warmup_steps, totalSteps });
  return losses.map((_, step) => schedule(step));
}

/** The rates by the formula of the fixtures' README, written out apart from our schedule. */
function stated({
  lr,
  warmup_steps: warmup,
  total_steps,
  losses,
}: AdapterFixtureSettings): readonly number[] {
  const total = total_steps ?? losses.length;
  return losses.map((_, i) =>
    i < warmup ? (lr * i) / Math.max(1, warmup) : (lr * (total - i)) / Math.max(1, total - warmup),
  );
}

interface Trained {
  readonly losses: readonly number[];
  readonly norms: readonly number[];
  readonly weights: ReadonlyMap<string, Float32Array>;
}

async function train(fixture: AdapterFixture, backend: Backend, rates: readonly number[]): Promise<Trained> {
  const { settings, adapter } = fixture;
  const perEpoch = Math.ceil(settings.n / settings.batch);
  const tail = settings.n % settings.batch;
  const full = settings.n >= settings.batch ? await compileStep(fixture, backend, settings.batch) : undefined;
  const short = tail > 0 ? await compileStep(fixture, backend, tail, full) : undefined;
  const main = full ?? short!;
  writeWeights(main, fixture);
  const losses: number[] = [];
  const norms: number[] = [];
  for (const [step, learningRate] of rates.entries()) {
    const start = (step % perEpoch) * settings.batch;
    const rows = Math.min(settings.batch, settings.n - start);
    const executable = rows === settings.batch ? full! : short!;
    executable.run({ batch: Uint32Array.from({ length: rows }, (_, row) => start + row), learningRate });
    const [logged] = await executable.log();
    losses.push(logged?.["loss"] ?? NaN);
    norms.push(logged?.["norm"] ?? NaN);
  }
  await main.settle();
  const weights = new Map<string, Float32Array>();
  for (const name of trainableNames(adapter)) weights.set(name, await main.read(name));
  for (const name of parameterShapes(adapter).keys()) {
    if (!weights.has(name)) weights.set(name, tensorOf(fixture.tensors, `init.${name}`));
  }
  for (const executable of [short, full]) executable?.dispose();
  return { losses, norms, weights };
}

/** The step of the recorded runs: consecutive rows, query → document loss, clipping, AdamW. */
function compileStep(
  fixture: AdapterFixture,
  backend: Backend,
  rows: number,
  sharing?: Executable,
): Promise<Executable> {
  const { betas, eps: epsilon, weight_decay: weightDecay } = fixture.settings;
  return compile(
    backend,
    (graph) => {
      const { model, loss, gradients, norm } = tracedLoss(graph, fixture, rows);
      const learningRate = graph.scalar("learningRate");
      const updates = adamw(model.parameters, gradients, { learningRate, betas, epsilon, weightDecay });
      return { updates, log: { loss, norm } };
    },
    sharing ? { sharing } : {},
  );
}

interface TracedLoss {
  readonly model: TracedAdapter;
  readonly loss: Tensor;
  readonly gradients: readonly Tensor[]; // clipped
  readonly norm: Tensor; // before clipping
}

function tracedLoss(graph: Graph, { settings, adapter }: AdapterFixture, rows: number): TracedLoss {
  const { n, dim, scale, max_grad_norm: maxNorm } = settings;
  const batch = graph.input("batch", "u32", [rows]);
  const queries = gather(graph.resident("q", "f32", [n, dim]), batch);
  const documents = gather(graph.resident("d", "f32", [n, dim]), batch);
  const model = traceAdapter(graph, adapter);
  const loss = mnrl(model.forward(queries), documents, { scale });
  const clipped = clipByGlobalNorm(grad(loss, model.parameters), maxNorm ?? Infinity);
  return { model, loss, ...clipped };
}

async function firstGradients(fixture: AdapterFixture, backend: Backend): Promise<Map<string, Float32Array>> {
  const rows = Math.min(fixture.settings.batch, fixture.settings.n);
  const executable = await compile(backend, (graph) => {
    const { model, gradients } = tracedLoss(graph, fixture, rows);
    return {
      outputs: Object.fromEntries(model.names.map((name, index) => [`gradient ${name}`, gradients[index]!])),
    };
  });
  writeWeights(executable, fixture);
  executable.run({ batch: Uint32Array.from({ length: rows }, (_, row) => row) });
  const found = new Map<string, Float32Array>();
  for (const name of trainableNames(fixture.adapter))
    found.set(name, await executable.read(`gradient ${name}`));
  executable.dispose();
  return found;
}

/** adapter(q) of all rows with the given weights. */
async function forward(
  { settings, adapter, tensors }: AdapterFixture,
  backend: Backend,
  weights: ReadonlyMap<string, Float32Array>,
): Promise<Float32Array> {
  const executable = await compile(backend, (graph) => {
    const model = traceAdapter(graph, adapter);
    return { outputs: { out: model.forward(graph.resident("q", "f32", [settings.n, settings.dim])) } };
  });
  executable.write("q", tensorOf(tensors, "q"));
  for (const name of trainableNames(adapter)) executable.write(name, weights.get(name)!);
  executable.run({});
  const out = await executable.read("out");
  executable.dispose();
  return out;
}

function writeWeights(executable: Executable, { adapter, tensors }: AdapterFixture): void {
  executable.write("q", tensorOf(tensors, "q"));
  executable.write("d", tensorOf(tensors, "d"));
  for (const name of trainableNames(adapter)) executable.write(name, tensorOf(tensors, `init.${name}`));
}

function tensorOf(tensors: ReadonlyMap<string, TensorData>, name: string): Float32Array {
  const tensor = tensors.get(name);
  if (!tensor) throw new RetuneError("E_FIELD", `the safetensors file has no tensor "${name}"`);
  return tensor.values;
}
