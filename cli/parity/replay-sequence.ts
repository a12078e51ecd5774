import { bert } from "../../src/domain/models/bert/bert.ts";
import { pairLogits } from "../../src/domain/models/bert/classifier.ts";
import { batchInputs, type BatchTensors } from "../../src/domain/models/bert/inputs.ts";
import { withLora } from "../../src/domain/models/bert/lora.ts";
import { crossEncoderShapes, encoderShapes } from "../../src/domain/models/bert/names.ts";
import { pooled } from "../../src/domain/models/bert/pooling.ts";
import { traceWeights, type TracedWeights } from "../../src/domain/models/bert/weights.ts";
import { bceLoss } from "../../src/domain/losses/bce.ts";
import type { Weights } from "../../src/domain/matrix.ts";
import { bucketFor, bucketKey, packBatch, packedFeeds, type Bucket } from "../../src/domain/text/pack.ts";
import { grad } from "../../src/engine/autodiff.ts";
import type { Backend, Executable, Feeds } from "../../src/engine/backend.ts";
import { compile } from "../../src/engine/compile.ts";
import type { Graph, Tensor } from "../../src/engine/graph.ts";
import { mnrl } from "../../src/engine/ops/mnrl.ts";
import { l2Normalize } from "../../src/engine/ops/rows.ts";
import { rows } from "../../src/engine/ops/slices.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../src/engine/optim/clip.ts";
import { warmupLinear } from "../../src/engine/optim/schedules.ts";
import { check, checkEach, checkRelative, largest, type Check } from "./compare.ts";
import { trainedNames, type SequenceBatch, type SequenceFixture } from "./sequence-fixture.ts";

const FORWARD = { tolerance: 1e-4 };
const RELATIVE = 1e-3;
const FINAL = { tolerance: 1e-3, outliers: { share: 0.001, bound: 1e-2 } };

/** Trains a recorded run of a BERT again on `backend` and compares every recorded number. */
export async function replaySequence(fixture: SequenceFixture, backend: Backend): Promise<readonly Check[]> {
  const { settings, gradients, final, outputs } = fixture;
  const first = fixture.batches[0]!;
  const before = await forward(fixture, backend, first, fixture.init);
  const found = await firstGradients(fixture, backend);
  const trained = await train(fixture, backend);
  const after = await forward(fixture, backend, first, new Map([...fixture.init, ...trained.weights]));
  const checks = [checkEach("losses", trained.losses, settings.losses, RELATIVE)];
  if (settings.grad_norms_before_clip) {
    checks.push(checkEach("gradient norms", trained.norms, settings.grad_norms_before_clip, RELATIVE));
  }
  const floor = 1e-3 * largest([...gradients.values()].map(({ values }) => largest(values)));
  for (const [name, { values }] of gradients) {
    checks.push(checkRelative(`grad1.${name}`, found.get(name) ?? [], values, RELATIVE, floor));
  }
  const all = (weights: Weights): Float32Array =>
    Float32Array.from([...final.keys()].flatMap((name) => [...(weights.get(name)?.values ?? [])]));
  checks.push(check("final", all(trained.weights), all(final), FINAL));
  for (const [name, { values }] of outputs) {
    const [part, output] = name.split(".") as [string, string];
    const got = (part === "fwd" ? before : after).get(output) ?? [];
    checks.push(check(name, got, values, part === "fwd" ? FORWARD : { tolerance: RELATIVE }));
  }
  return checks;
}

/** The model of a fixture in a graph; what does not train is resident. */
function tracedModel(graph: Graph, { kind, config, lora }: SequenceFixture): TracedWeights {
  const shapes = kind === "encoder" ? encoderShapes(config) : crossEncoderShapes(config);
  const base = traceWeights(graph, shapes, () => !lora);
  return lora ? withLora(graph, config, base, lora) : base;
}

/** One row a sequence: vectors before they are normalised, or logits. */
function tracedOutput(fixture: SequenceFixture, weights: TracedWeights, batch: BatchTensors): Tensor {
  if (fixture.kind === "cross-encoder") return pairLogits(fixture.config, weights, batch);
  return pooled(bert(fixture.config, weights, batch), batch);
}

interface TracedLoss {
  readonly parameters: readonly Tensor[];
  readonly loss: Tensor;
}

function tracedLoss(
  graph: Graph,
  fixture: SequenceFixture,
  bucket: Bucket,
  batch: SequenceBatch,
): TracedLoss {
  const weights = tracedModel(graph, fixture);
  const out = tracedOutput(fixture, weights, batchInputs(graph, bucket, fixture.settings.pooling));
  const [queries, documents] = [batch.queries.length, batch.documents.length];
  const loss =
    fixture.kind === "encoder"
      ? mnrl(rows(out, 0, queries), rows(out, queries, documents), { scale: fixture.settings.scale })
      : bceLoss(out, graph.input("labels", "f32", [queries, 1]));
  return { parameters: weights.parameters(), loss };
}

/** S is what the batch has: a loss counts its rows. */
function bucketOf({ queries, documents }: SequenceBatch): Bucket {
  return bucketFor([...queries, ...documents], queries.length + documents.length);
}

function feedsOf({ settings }: SequenceFixture, batch: SequenceBatch, withLabels: boolean): Feeds {
  const packed = packBatch([...batch.queries, ...batch.documents], bucketOf(batch));
  const labels = withLabels && batch.labels ? { labels: batch.labels } : {};
  return { ...packedFeeds(packed, settings.pooling), ...labels };
}

async function forward(
  fixture: SequenceFixture,
  backend: Backend,
  batch: SequenceBatch,
  weights: Weights,
): Promise<ReadonlyMap<string, Float32Array>> {
  const queries = batch.queries.length;
  const executable = await compile(backend, (graph) => {
    const inputs = batchInputs(graph, bucketOf(batch), fixture.settings.pooling);
    const out = tracedOutput(fixture, tracedModel(graph, fixture), inputs);
    if (fixture.kind === "cross-encoder") return { outputs: { logits: out } };
    const unit = l2Normalize(out);
    return { outputs: { q: rows(unit, 0, queries), d: rows(unit, queries, batch.documents.length) } };
  });
  writeWeights(executable, fixture, weights);
  executable.run(feedsOf(fixture, batch, false));
  const names = fixture.kind === "cross-encoder" ? ["logits"] : ["q", "d"];
  const found = new Map<string, Float32Array>();
  for (const name of names) found.set(name, await executable.read(name));
  executable.dispose();
  return found;
}

async function firstGradients(
  fixture: SequenceFixture,
  backend: Backend,
): Promise<Map<string, Float32Array>> {
  const batch = fixture.batches[0]!;
  const names = trainedNames(fixture);
  const executable = await compile(backend, (graph) => {
    const { parameters, loss } = tracedLoss(graph, fixture, bucketOf(batch), batch);
    const gradients = grad(loss, parameters);
    return {
      outputs: Object.fromEntries(names.map((name, index) => [`gradient ${name}`, gradients[index]!])),
    };
  });
  writeWeights(executable, fixture, fixture.init);
  executable.run(feedsOf(fixture, batch, true));
  const found = new Map<string, Float32Array>();
  for (const name of names) found.set(name, await executable.read(`gradient ${name}`));
  executable.dispose();
  return found;
}

interface Trained {
  readonly losses: readonly number[];
  readonly norms: readonly number[];
  readonly weights: Weights;
}

async function train(fixture: SequenceFixture, backend: Backend): Promise<Trained> {
  const { settings, batches } = fixture;
  const totalSteps = settings.total_steps ?? settings.losses.length;
  const rate = warmupLinear({ peak: settings.lr, warmupSteps: settings.warmup_steps, totalSteps });
  const executables = new Map<string, Executable>();
  const [losses, norms]: [number[], number[]] = [[], []];
  for (const [step, batch] of batches.entries()) {
    const key = `${bucketKey(bucketOf(batch))} ${batch.queries.length}`;
    const [main] = executables.values();
    const executable = executables.get(key) ?? (await compileStep(fixture, backend, batch, main));
    if (!main) writeWeights(executable, fixture, fixture.init);
    executables.set(key, executable);
    executable.run({ ...feedsOf(fixture, batch, true), learningRate: rate(step) });
    const [logged] = await executable.log();
    losses.push(logged?.["loss"] ?? NaN);
    norms.push(logged?.["norm"] ?? NaN);
  }
  const [main] = executables.values();
  await main!.settle();
  const weights = new Map(fixture.final);
  for (const [name, { shape }] of fixture.final) weights.set(name, { shape, values: await main!.read(name) });
  for (const executable of [...executables.values()].reverse()) executable.dispose();
  return { losses, norms, weights };
}

function compileStep(
  fixture: SequenceFixture,
  backend: Backend,
  batch: SequenceBatch,
  sharing: Executable | undefined,
): Promise<Executable> {
  const { betas, eps: epsilon, weight_decay, no_decay, max_grad_norm } = fixture.settings;
  const weightDecay = (name: string): number =>
    no_decay.some((part) => name.includes(part)) ? 0 : weight_decay;
  return compile(
    backend,
    (graph) => {
      const { parameters, loss } = tracedLoss(graph, fixture, bucketOf(batch), batch);
      const { gradients, norm } = clipByGlobalNorm(grad(loss, parameters), max_grad_norm ?? Infinity);
      const learningRate = graph.scalar("learningRate");
      const updates = adamw(parameters, gradients, { learningRate, betas, epsilon, weightDecay });
      return { updates, log: { loss, norm } };
    },
    sharing ? { sharing } : {},
  );
}

/** Parameters and residents alike; LoRA's base is resident. */
function writeWeights(executable: Executable, { init }: SequenceFixture, weights: Weights): void {
  for (const name of init.keys()) {
    const tensor = weights.get(name);
    if (tensor) executable.write(name, tensor.values);
  }
}
