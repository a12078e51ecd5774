// Distillation (Hinton et al. 2015; Reimers & Gurevych 2020 for sentence vectors) of the teacher into the nano encoder:
//   y = normalize(mean of hidden states)      t = normalize(teacher's vector · principal axes)
//   L = mean(1 − y·t) + 0.1 · MNRL(y, t; scale 20)        the second term keeps texts of one batch apart
// The student starts as a static table: each piece's own teacher vector on those axes, and layers that change little.
import type { Backend, Feeds } from "../../src/engine/backend.ts";
import { compile } from "../../src/engine/compile.ts";
import { grad } from "../../src/engine/autodiff.ts";
import type { Graph } from "../../src/engine/graph.ts";
import { add, multiply, scaleBy, subtract } from "../../src/engine/ops/elementwise.ts";
import { mnrl } from "../../src/engine/ops/mnrl.ts";
import { sum } from "../../src/engine/ops/reductions.ts";
import { gather } from "../../src/engine/ops/rows.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../src/engine/optim/clip.ts";
import { warmupLinear } from "../../src/engine/optim/schedules.ts";
import { NO_COLUMN } from "../../src/engine/plan.ts";
import type { StepResults } from "../../src/engine/step-results.ts";
import type { Matrix, TensorData } from "../../src/domain/matrix.ts";
import { bert } from "../../src/domain/models/bert/bert.ts";
import type { BertConfig } from "../../src/domain/models/bert/config.ts";
import { batchInputs } from "../../src/domain/models/bert/inputs.ts";
import {
  decays,
  encoderShapes,
  POSITION_EMBEDDINGS,
  TYPE_EMBEDDINGS,
  WORD_EMBEDDINGS,
} from "../../src/domain/models/bert/names.ts";
import { pooledUnit } from "../../src/domain/models/bert/pooling.ts";
import { traceWeights } from "../../src/domain/models/bert/weights.ts";
import type { NamedWeights } from "../../src/domain/models/encoder-model.ts";
import { CounterRandom } from "../../src/domain/random.ts";
import { packBatch, packedFeeds, type Bucket, type TokenSequence } from "../../src/domain/text/pack.ts";

const APART = 0.1; // weight of the second term
const SCALE = 20;
const WARMUP_STEPS = 200;
const CLIP = 1;
const QUIET = 0.1; // of the usual spread, for what a layer adds at the start
const SPREAD = 0.02; // of a fresh linear layer (BERT's initializer_range)
const LOG_EVERY = 50;

export interface Distillation {
  readonly config: BertConfig;
  readonly sequences: readonly TokenSequence[];
  readonly targets: Matrix; // [n, hidden], unit rows
  readonly pieces: Matrix; // [vocabulary, hidden], unit rows: the first embeddings
  readonly bucket: Bucket; // of every batch
  readonly epochs: number;
  readonly learningRate: number; // peak
  readonly seed: number;
}

export interface DistilledStep {
  readonly step: number;
  readonly total: number;
  readonly loss: number; // mean since the last one
  readonly norm: number;
}

/** Trains from the start to the end; `onStep` is told every 50 steps. */
export async function distil(
  backend: Backend,
  job: Distillation,
  onStep: (step: DistilledStep) => void,
): Promise<NamedWeights> {
  const shapes = encoderShapes(job.config);
  const step = await compile(backend, (graph) => traceStep(graph, job, shapes));
  step.write("targets", job.targets.values);
  for (const [name, { values }] of firstWeights(job, shapes)) step.write(name, values);
  const batches = Array.from({ length: job.epochs }, (_, epoch) => epochBatches(job, epoch)).flat();
  const schedule = { peak: job.learningRate, warmupSteps: WARMUP_STEPS, totalSteps: batches.length };
  const rateAt = warmupLinear(schedule);
  for (const [index, texts] of batches.entries()) {
    step.run(feedsOf(job, texts, rateAt(index)));
    if ((index + 1) % LOG_EVERY !== 0 && index + 1 !== batches.length) continue;
    await step.settle();
    const rows = await step.log();
    const loss = rows.reduce((total, row) => total + row["loss"]!, 0) / rows.length;
    onStep({ step: index + 1, total: batches.length, loss, norm: rows.at(-1)!["norm"]! });
  }
  const trained = new Map<string, TensorData>();
  for (const [name, shape] of shapes) trained.set(name, { shape, values: await step.read(name) });
  step.dispose();
  return trained;
}

function traceStep(
  graph: Graph,
  { config, bucket, targets }: Distillation,
  shapes: ReadonlyMap<string, readonly number[]>,
): StepResults {
  const batch = batchInputs(graph, bucket, "mean");
  const weights = traceWeights(graph, shapes, () => true);
  const student = pooledUnit(bert(config, weights, batch), batch);
  const table = graph.resident("targets", "f32", [targets.rows, targets.columns]);
  const teacher = gather(table, graph.input("texts", "u32", [bucket.segments]));
  const positives = graph.input("positives", "u32", [bucket.segments, 1]);
  // Unused segments are zero vectors: they add nothing to the sum of cosines.
  const cosine = multiply(sum(multiply(student, teacher)), graph.scalar("perText"));
  const apart = mnrl(student, teacher, { scale: SCALE, positives });
  const loss = add(subtract(graph.constant(1), cosine), scaleBy(apart, APART));
  const parameters = weights.parameters();
  const { gradients, norm } = clipByGlobalNorm(grad(loss, parameters), CLIP);
  const updates = adamw(parameters, gradients, {
    learningRate: graph.scalar("learningRate"),
    weightDecay: (name) => (decays(name) ? 0.01 : 0),
  });
  return { updates, log: { loss, norm } };
}

function feedsOf({ sequences, bucket }: Distillation, texts: readonly number[], learningRate: number): Feeds {
  const packed = packBatch(
    texts.map((text) => sequences[text]!),
    bucket,
  );
  const each = (value: (at: number) => number): Uint32Array =>
    Uint32Array.from({ length: bucket.segments }, (_, at) => value(at));
  return {
    ...packedFeeds(packed, "mean"),
    texts: each((at) => texts[at] ?? 0),
    positives: each((at) => (at < texts.length ? at : NO_COLUMN)),
    perText: 1 / texts.length,
    learningRate,
  };
}

/** Texts in a random order, each batch filled until the next text does not fit. */
function epochBatches({ sequences, bucket, seed }: Distillation, epoch: number): number[][] {
  const batches: number[][] = [];
  let [batch, tokens]: [number[], number] = [[], 0];
  for (const text of CounterRandom.stream(seed, epoch).permutation(sequences.length)) {
    const size = sequences[text]!.ids.length;
    if (tokens + size > bucket.rows || batch.length === bucket.segments) {
      batches.push(batch);
      [batch, tokens] = [[], 0];
    }
    batch.push(text);
    tokens += size;
  }
  return [...batches, batch];
}

function firstWeights(job: Distillation, shapes: ReadonlyMap<string, readonly number[]>): NamedWeights {
  const random = CounterRandom.stream(job.seed, 1_000_000);
  const length = Math.sqrt(job.config.hiddenSize); // a layer norm leaves rows of this length
  return new Map(
    [...shapes].map(([name, shape]) => {
      const count = shape.reduce((product, size) => product * size, 1);
      return [name, { shape, values: first(name, count) }];
    }),
  );

  function first(name: string, count: number): Float32Array {
    if (name === WORD_EMBEDDINGS) return job.pieces.values.map((value) => value * length);
    if (name === POSITION_EMBEDDINGS || name === TYPE_EMBEDDINGS || name.endsWith(".bias")) {
      return new Float32Array(count);
    }
    if (name.includes("LayerNorm")) return new Float32Array(count).fill(1);
    const quiet = name.endsWith("output.dense.weight");
    return Float32Array.from({ length: count }, () => normal(random) * SPREAD * (quiet ? QUIET : 1));
  }
}

/** A draw of the standard normal distribution (Box & Muller 1958). */
function normal(random: CounterRandom): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.uniform()));
  return radius * Math.cos(2 * Math.PI * random.uniform());
}
