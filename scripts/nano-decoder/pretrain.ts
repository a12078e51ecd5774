// Training of all weights from the start: AdamW on cross-entropy of answers, rate warmed up, constant, then down to zero in a line.
// The batch of step s is drawn by stream s, so that a run goes on from a checkpoint to the same bits.
import { grad } from "../../src/engine/autodiff.ts";
import type { Backend, Executable } from "../../src/engine/backend.ts";
import { compile } from "../../src/engine/compile.ts";
import { gather } from "../../src/engine/ops/rows.ts";
import { softmaxCrossEntropy } from "../../src/engine/ops/softmax-cross-entropy.ts";
import { scaleBy } from "../../src/engine/ops/elementwise.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../src/engine/optim/clip.ts";
import { NO_COLUMN } from "../../src/engine/plan.ts";
import type { Weights } from "../../src/domain/matrix.ts";
import type { LlamaConfig } from "../../src/domain/models/llama/config.ts";
import { initialDecoder } from "../../src/domain/models/llama/initial.ts";
import { decoderInputs, ROTARY, rotaryValues } from "../../src/domain/models/llama/inputs.ts";
import { llama } from "../../src/domain/models/llama/llama.ts";
import { llamaShapes } from "../../src/domain/models/llama/names.ts";
import { traceLlama } from "../../src/domain/models/llama/weights.ts";
import type { SupervisedSequence } from "../../src/domain/models/llama/supervision.ts";
import { captureParameters, readParameters } from "../../src/domain/recipes/trained-parameters.ts";
import { packBatch, type Bucket } from "../../src/domain/text/pack.ts";

const BUCKET: Bucket = { rows: 1536, segments: 64, longest: 160 };
const PLACES = 768; // supervised tokens of a batch
const LOG_EVERY = 50;

export interface Pretraining {
  readonly config: LlamaConfig;
  readonly steps: number;
  readonly rateAt: (step: number) => number;
  readonly seed: number;
  /** Sequences of a step, without end; the batch takes what fits. */
  readonly sequences: (step: number) => Iterable<SupervisedSequence>;
}

/** Tensors and moments by name; "step" counts. */
export type Checkpoint = Readonly<Record<string, Float32Array>>;

export interface PretrainingStep {
  readonly step: number;
  readonly loss: number; // mean since the last one
  readonly norm: number;
  readonly tokens: number; // since the start of this process
}

/** Trains to the end; `onStep` is told every 50 steps and may take a checkpoint. */
export async function pretrain(
  backend: Backend,
  job: Pretraining,
  from: Checkpoint | undefined,
  onStep: (step: PretrainingStep, capture: () => Promise<Checkpoint>) => Promise<void>,
): Promise<Weights> {
  const shapes = llamaShapes(job.config);
  const executable = await traced(backend, job.config);
  const first = from ? Math.round(from["step"]![0]!) : 0;
  if (from) for (const [name, values] of Object.entries(from)) executable.write(name, values);
  else for (const [name, { values }] of initialDecoder(job.config, job.seed)) executable.write(name, values);
  const capture = (): Promise<Checkpoint> => captureParameters(executable, shapes.keys());
  let tokens = 0;
  for (let step = first; step < job.steps; step++) {
    const batch = batchOf(job.sequences(step));
    tokens += batch.reduce((sum, { ids }) => sum + ids.length, 0);
    executable.run({ ...feedsOf(batch), learningRate: job.rateAt(step) });
    if ((step + 1) % LOG_EVERY !== 0 && step + 1 !== job.steps) continue;
    await executable.settle();
    const rows = await executable.log();
    const loss = rows.reduce((sum, row) => sum + row["loss"]!, 0) / rows.length;
    await onStep({ step: step + 1, loss, norm: rows.at(-1)!["norm"]!, tokens }, capture);
  }
  const weights = await readParameters(executable, shapes);
  executable.dispose();
  return weights;
}

async function traced(backend: Backend, config: LlamaConfig): Promise<Executable> {
  const executable = await compile(backend, (graph) => {
    const weights = traceLlama(graph, config, () => true);
    const inputs = decoderInputs(graph, config, BUCKET, BUCKET.longest);
    const hidden = llama(config, weights, inputs);
    const seen = gather(hidden, graph.input("predicting", "u32", [PLACES]));
    const targets = graph.input("targets", "u32", [PLACES, 1]);
    const mean = softmaxCrossEntropy(weights.logits(seen), { positives: targets });
    const loss = scaleBy(scaleBy(mean, PLACES), graph.scalar("share"));
    const parameters = weights.parameters();
    const { gradients, norm } = clipByGlobalNorm(grad(loss, parameters), 1);
    const updates = adamw(parameters, gradients, {
      ...{ learningRate: graph.scalar("learningRate"), betas: [0.9, 0.95] as const },
      weightDecay: (name) => (name.endsWith("norm.weight") ? 0 : 0.1),
    });
    return { updates, log: { loss, norm } };
  });
  executable.write(ROTARY, rotaryValues(config, BUCKET.longest));
  return executable;
}

/** Sequences until the next one does not fit. */
function batchOf(sequences: Iterable<SupervisedSequence>): SupervisedSequence[] {
  const batch: SupervisedSequence[] = [];
  let [rows, places] = [0, 0];
  for (const sequence of sequences) {
    const learnt = sequence.supervised.filter(Boolean).length;
    if (sequence.ids.length > BUCKET.longest) continue;
    const full = rows + sequence.ids.length > BUCKET.rows || places + learnt > PLACES;
    if (full || batch.length === BUCKET.segments) break;
    batch.push(sequence);
    [rows, places] = [rows + sequence.ids.length, places + learnt];
  }
  return batch;
}

function feedsOf(batch: readonly SupervisedSequence[]): Record<string, Uint32Array | number> {
  const { ids, positions, ranges } = packBatch(batch, BUCKET);
  const [predicting, targets] = [new Uint32Array(PLACES), new Uint32Array(PLACES).fill(NO_COLUMN)];
  let [place, start] = [0, 0];
  for (const { ids: own, supervised } of batch) {
    for (let token = 1; token < own.length; token++) {
      if (!supervised[token]) continue;
      predicting[place] = start + token - 1;
      targets[place++] = own[token]!;
    }
    start += own.length;
  }
  return { ids, positions, ranges, predicting, targets, share: 1 / place };
}

/** The rate warms up, stays, and falls to zero in a line. */
export interface RateSchedule {
  readonly steps: number;
  readonly learningRate: number; // peak
  readonly warmupSteps: number;
  readonly decayFrom: number; // share of all steps
}

/** The rate of a step, from 0. */
export function rateOf({ steps, learningRate, warmupSteps, decayFrom }: RateSchedule, step: number): number {
  const start = Math.round(steps * decayFrom);
  const falling = step < start ? 1 : (steps - step) / (steps - start);
  return learningRate * Math.min(1, (step + 1) / warmupSteps) * falling;
}
