// The guide's experiment without a page: bge-small fine-tuned on Lyft's questions, judged on Uber's. Prints one line a step on
// stderr and the record as JSON on stdout.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { nodeThreads } from "../../cli/ports/node-threads.ts";
import type { Dataset } from "../../src/domain/data/dataset.ts";
import { LexicalIndex } from "../../src/domain/eval/bm25.ts";
import { cosineScores } from "../../src/domain/eval/dense.ts";
import { positivesOf } from "../../src/domain/eval/evaluate.ts";
import { EQUAL_WEIGHTS, fuse, fusionOf } from "../../src/domain/eval/fusion.ts";
import { judge } from "../../src/domain/eval/judge.ts";
import { idOrder, meanMetrics } from "../../src/domain/eval/metrics.ts";
import type { Metrics } from "../../src/domain/eval/report.ts";
import { passageIndex } from "../../src/domain/data/dataset.ts";
import { readLlamaIndexDataset } from "../../src/domain/formats/llamaindex-dataset.ts";
import type { Matrix } from "../../src/domain/matrix.ts";
import { openTextEmbedder } from "../../src/domain/models/embed-texts.ts";
import type { EncoderModel } from "../../src/domain/models/encoder-model.ts";
import { bertWeightsFrom } from "../../src/domain/models/weights/bert-weights.ts";
import type { EncoderSettings, EncoderStep } from "../../src/domain/recipes/encoder/encoder-job.ts";
import type { TrainedEncoder } from "../../src/domain/recipes/encoder/encoder-run.ts";
import type { EncoderState } from "../../src/domain/recipes/encoder/encoder-state.ts";
import { openEncoderRun } from "../../src/domain/recipes/encoder/encoder.ts";
import type { Backend } from "../../src/engine/backend.ts";
import { openCpu } from "../../src/engine/backends/cpu.ts";

export interface GuideOptions {
  readonly root: string; // of the repository
  readonly data: string; // folder of train_dataset.json and val_dataset.json
  readonly threads: number;
  readonly settings: EncoderSettings;
  readonly checkpoint?: string; // a file that a run which was broken off goes on from
}

const SAVE_STEPS = 20;

interface Figures {
  readonly dense: Metrics;
  readonly hybrid: Metrics;
  readonly seconds: number; // of embedding
}

/** Trains and judges; what comes back is the record of the run. */
export async function guideExperiment(options: GuideOptions): Promise<object> {
  const backend = await openThreaded(options);
  const model = bgeSmall(options.root);
  const [train, judged] = ["train", "val"].map((name) => datasetOf(options.data, name));
  say(`${backend.label}; training …`);
  const trained = await fineTune(backend, model, train!, options);
  if (trained.result.tuned.kind !== "encoder") throw new Error("the experiment is a full fine-tune");
  say("judging …");
  const tuned = await figuresOf(backend, trained.result.tuned.model, judged!);
  say(`tuned ${shown(tuned)}`);
  const base = await figuresOf(backend, model, judged!);
  say(`base ${shown(base)}`);
  const { losses, looks, guards, clipped, notes, chosen } = trained.result;
  const { seconds, measured, plan } = trained;
  const cpuSeconds = process.cpuUsage().user / 1e6;
  backend.dispose();
  const run = { losses, looks, guards, clipped, notes, chosen, seconds, measured, plan, cpuSeconds };
  return { backend: backend.label, settings: options.settings, base, tuned, ...run };
}

async function fineTune(
  backend: Backend,
  model: EncoderModel,
  dataset: Dataset,
  { settings, checkpoint }: GuideOptions,
) {
  const saved =
    checkpoint !== undefined && existsSync(checkpoint)
      ? (deserialize(readFileSync(checkpoint)) as EncoderState)
      : undefined;
  const run = await openEncoderRun(backend, { model, data: { dataset }, settings }, saved);
  const measured = saved ? null : await run.measure(1);
  say(`${JSON.stringify(run.plan)}\n${JSON.stringify(measured)}`);
  const [started, first] = [performance.now(), saved?.progress.step ?? 0];
  const stream = run.steps();
  for (;;) {
    const next = await stream.next();
    const seconds = (performance.now() - started) / 1000;
    if (next.done) {
      run.dispose();
      return { result: next.value satisfies TrainedEncoder, seconds, measured, plan: run.plan };
    }
    const { step, totalSteps } = next.value;
    say(
      `${stepLine(next.value)} · ${(seconds / 60).toFixed(1)} min, ${minutesLeft(seconds, step - first, totalSteps - step)} left`,
    );
    if (checkpoint !== undefined && (step % SAVE_STEPS === 0 || step === totalSteps)) {
      writeFileSync(`${checkpoint}.new`, serialize(await run.state()));
      renameSync(`${checkpoint}.new`, checkpoint);
    }
  }
}

function stepLine({
  step,
  totalSteps,
  loss,
  gradientNorm,
  learningRate,
  tokens,
  guards,
  look,
}: EncoderStep): string {
  const figures = `loss ${loss.toFixed(5)} norm ${gradientNorm.toFixed(3)} rate ${learningRate.toExponential(3)}`;
  const seen = look ? `; MRR@10 ${look.dense.toFixed(4)} dense, ${look.hybrid.toFixed(4)} hybrid` : "";
  return `step ${step}/${totalSteps} ${figures} tokens ${tokens}${seen}${guards.map(({ text }) => `; ${text}`).join("")}`;
}

function minutesLeft(seconds: number, done: number, left: number): string {
  return ((seconds / Math.max(1, done) / 60) * left).toFixed(0);
}

/** Dense and hybrid metrics of all judged questions, texts embedded at 512 tokens. */
async function figuresOf(backend: Backend, model: EncoderModel, dataset: Dataset): Promise<Figures> {
  const started = performance.now();
  const embedder = await openTextEmbedder(backend, model);
  const queries = await embedder.embed(dataset.queries.map(({ text }) => text));
  const corpus = await embedder.embed(dataset.passages.map(({ text }) => text));
  embedder.dispose();
  const seconds = (performance.now() - started) / 1000;
  const dense = cosineScores(queries, corpus);
  const lexical = new LexicalIndex(dataset.passages.map(({ text }) => text));
  const bm25 = lexical.scores(dataset.queries.map(({ text }) => text));
  const hybrid = fuse(dense, bm25, fusionOf(EQUAL_WEIGHTS));
  return { dense: metricsOf(dense, dataset), hybrid: metricsOf(hybrid, dataset), seconds };
}

function metricsOf(scores: Matrix, dataset: Dataset): Metrics {
  const places = passageIndex(dataset);
  const positives = dataset.queries.map((query) => positivesOf(query, places));
  const order = idOrder(dataset.passages.map(({ id }) => id));
  return meanMetrics(judge(scores, positives, order).map(({ metrics }) => metrics));
}

function shown({ dense, hybrid, seconds }: Figures): string {
  const own = (metrics: Metrics): string =>
    (["hit@1", "hit@5", "hit@10", "mrr@10"] as const)
      .map((name) => `${name} ${metrics[name].toFixed(4)}`)
      .join(", ");
  return `${own(dense)}; hybrid ${own(hybrid)} (embedded in ${seconds.toFixed(0)} s)`;
}

function bgeSmall(root: string): EncoderModel {
  const folder = join(root, "public", "models", "bge-small-en-v1.5");
  const paths = ["config.json", "onnx/model.onnx"];
  const files = new Map(paths.map((path) => [path, new Uint8Array(readFileSync(join(folder, path)))]));
  const { config, weights } = bertWeightsFrom(files, folder);
  const text = (name: string): string => readFileSync(join(folder, name), "utf8");
  return {
    name: "bge-small-en-v1.5",
    config,
    weights,
    tokenizer: { tokenizerJson: text("tokenizer.json"), tokenizerConfigJson: text("tokenizer_config.json") },
    pooling: "cls",
    normalize: true,
    maxTokens: 512,
    prompts: { query: "", document: "" },
  };
}

function datasetOf(folder: string, name: string): Dataset {
  return readLlamaIndexDataset(new Uint8Array(readFileSync(join(folder, `${name}_dataset.json`)))).dataset;
}

function openThreaded({ root, threads }: GuideOptions): Promise<Backend> {
  const bytes = (name: string): Uint8Array<ArrayBuffer> =>
    new Uint8Array(readFileSync(join(root, "src", "engine", "wasm", "build", name)));
  const threaded = { simd: bytes("simd-threads.wasm"), relaxed: bytes("relaxed-threads.wasm") };
  const single = { simd: bytes("simd.wasm"), relaxed: bytes("relaxed.wasm") };
  return openCpu({ ...single, threaded }, threads > 1 ? { threads: nodeThreads(threads) } : {});
}

function say(text: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
}

const record = await guideExperiment(JSON.parse(process.argv[2]!) as GuideOptions);
process.stdout.write(`${JSON.stringify(record)}\n`);
process.exit(0);
