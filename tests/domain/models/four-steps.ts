import { join } from "node:path";
import { bert } from "../../../src/domain/models/bert/bert.ts";
import { batchInputs } from "../../../src/domain/models/bert/inputs.ts";
import { decays, encoderShapes } from "../../../src/domain/models/bert/names.ts";
import { pooled } from "../../../src/domain/models/bert/pooling.ts";
import { traceWeights } from "../../../src/domain/models/bert/weights.ts";
import type { EncoderModel } from "../../../src/domain/models/encoder-model.ts";
import { bucketFor, packBatch, packedFeeds, type Bucket } from "../../../src/domain/text/pack.ts";
import { grad } from "../../../src/engine/autodiff.ts";
import type { Backend } from "../../../src/engine/backend.ts";
import { compile } from "../../../src/engine/compile.ts";
import type { Graph } from "../../../src/engine/graph.ts";
import { mnrl } from "../../../src/engine/ops/mnrl.ts";
import { multiply } from "../../../src/engine/ops/elementwise.ts";
import { sum } from "../../../src/engine/ops/reductions.ts";
import { l2Normalize } from "../../../src/engine/ops/rows.ts";
import { rows } from "../../../src/engine/ops/slices.ts";
import { adamw } from "../../../src/engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../../src/engine/optim/clip.ts";
import type { StepResults } from "../../../src/engine/step-results.ts";
import { expectClose } from "../../close.ts";
import { jsonOf } from "./model-folders.ts";

export const FOUR_STEPS = join(
  process.env["RETUNE_SHARED"] ?? "../shared",
  "fixtures/bge-small/four-steps.json",
);

interface Recorded {
  readonly scale: number;
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  readonly max_grad_norm: number;
  readonly query_input_ids: readonly (readonly number[])[];
  readonly doc_input_ids: readonly (readonly number[])[];
  readonly losses: readonly number[];
  readonly grad_norms: readonly number[];
  readonly param_grad_norms_step1: Readonly<Record<string, number>>;
  readonly scores_row0: readonly number[];
  readonly query0_first8: readonly number[];
  readonly doc0_first8: readonly number[];
}

/**
 * Trains four steps of torch's recorded run and compares first vectors and scores, the gradient norm of every parameter
 * at the first step, all losses and all global norms.
 */
export async function fourSteps(backend: Backend, model: EncoderModel): Promise<void> {
  const run = jsonOf<Recorded>(FOUR_STEPS);
  const sequences = [...run.query_input_ids, ...run.doc_input_ids].map((ids) => ({ ids }));
  const batch = packBatch(sequences, bucketFor(sequences, sequences.length));
  const feeds = { ...packedFeeds(batch, "cls"), learningRate: run.lr };
  const names = [...encoderShapes(model.config).keys()];
  const step = await compile(backend, (graph) => trainingStep(graph, model, batch.bucket, run));
  for (const name of names) step.write(name, model.weights.get(name)!.values);
  step.run(feeds);
  expectForward(await step.read("vectors"), run);
  for (let index = 1; index < run.losses.length; index++) step.run(feeds);
  const rows = await step.log();
  await step.settle();
  step.dispose();
  const column = (name: string): number[] => rows.map((row) => row[name]!);
  expectClose(column("loss"), run.losses, { absolute: 1e-3 }, "loss");
  expectClose(column("norm"), run.grad_norms, { relative: 1e-2 }, "gradient norm");
  for (const name of names) {
    // a key's bias has gradient 0 but for rounding, hence the absolute part
    const want = run.param_grad_norms_step1[name]!;
    expectClose([Math.sqrt(rows[0]![name]!)], [want], { absolute: 1e-4, relative: 1e-2 }, `grad1 ${name}`);
  }
}

function trainingStep(graph: Graph, { config }: EncoderModel, bucket: Bucket, run: Recorded): StepResults {
  const weights = traceWeights(graph, encoderShapes(config), () => true);
  const batch = batchInputs(graph, bucket, "cls");
  const states = pooled(bert(config, weights, batch), batch);
  const queries = run.query_input_ids.length;
  const loss = mnrl(rows(states, 0, queries), rows(states, queries, queries), { scale: run.scale });
  const parameters = weights.parameters();
  const gradients = grad(loss, parameters);
  const clipped = clipByGlobalNorm(gradients, run.max_grad_norm);
  const squares = gradients.map((gradient) => sum(multiply(gradient, gradient)));
  const updates = adamw(parameters, clipped.gradients, {
    learningRate: graph.scalar("learningRate"),
    betas: run.betas,
    epsilon: run.eps,
    weightDecay: (name) => (decays(name) ? run.weight_decay : 0),
  });
  const norms = Object.fromEntries(
    [...encoderShapes(config).keys()].map((name, index) => [name, squares[index]!]),
  );
  return { updates, log: { loss, norm: clipped.norm, ...norms }, outputs: { vectors: l2Normalize(states) } };
}

function expectForward(vectors: Float32Array, run: Recorded): void {
  const [width, count] = [vectors.length / (2 * run.query_input_ids.length), run.query_input_ids.length];
  const row = (index: number): Float32Array => vectors.subarray(index * width, (index + 1) * width);
  expectClose(row(0).subarray(0, 8), run.query0_first8, { absolute: 1e-4 }, "first question");
  expectClose(row(count).subarray(0, 8), run.doc0_first8, { absolute: 1e-4 }, "first passage");
  const scores = run.scores_row0.map((_, document) =>
    row(count + document).reduce((dot, value, index) => dot + run.scale * value * row(0)[index]!, 0),
  );
  expectClose(scores, run.scores_row0, { absolute: 1e-3 }, "scores of the first question");
}
