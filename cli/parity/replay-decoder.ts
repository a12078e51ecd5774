import { EMBEDDINGS, HEAD } from "../../src/domain/models/llama/names.ts";
import { decoderInputs, ROTARY, rotaryValues } from "../../src/domain/models/llama/inputs.ts";
import { llama, nextTokenLogits } from "../../src/domain/models/llama/llama.ts";
import { decoderLoraShapes, withDecoderLora } from "../../src/domain/models/llama/lora.ts";
import {
  predictingRows,
  supervisedFeeds,
  supervisedLoss,
} from "../../src/domain/models/llama/supervision.ts";
import { traceLlama, type DecoderWeights } from "../../src/domain/models/llama/weights.ts";
import { partValues } from "../../src/domain/models/llama/vocabulary.ts";
import type { Weights } from "../../src/domain/matrix.ts";
import { bucketFor, packBatch, type Bucket } from "../../src/domain/text/pack.ts";
import { grad } from "../../src/engine/autodiff.ts";
import type { Backend, Executable } from "../../src/engine/backend.ts";
import { compile } from "../../src/engine/compile.ts";
import type { Graph, Tensor } from "../../src/engine/graph.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../src/engine/optim/clip.ts";
import { warmupLinear } from "../../src/engine/optim/schedules.ts";
import { check, checkEach, checkRelative, largest, type Check } from "./compare.ts";
import type { DecoderBatch, DecoderFixture } from "./decoder-fixture.ts";

const LOGITS = { tolerance: 1e-4 };
const RELATIVE = 1e-3;
const PARTS = { vocabularyRows: 40 };
const FINAL = { tolerance: 1e-3, outliers: { share: 0.001, bound: 1e-2 } };

/** A recorded run as it is replayed: in the plain form, or in the one that saves memory. */
interface Replay extends DecoderFixture {
  readonly frugal: boolean; // vocabulary in parts, layers computed again
}

/**
 * Trains a recorded LoRA run of a decoder again on `backend` and compares every recorded number; "frugal" with the vocabulary in
 * parts and layers recomputed.
 */
export async function replayDecoder(
  recorded: DecoderFixture,
  backend: Backend,
  form: "plain" | "frugal" = "plain",
): Promise<readonly Check[]> {
  const fixture: Replay = { ...recorded, frugal: form === "frugal" };
  const { settings, gradients, final } = fixture;
  const logits = await firstLogits(fixture, backend);
  const found = await firstGradients(fixture, backend);
  const trained = await train(fixture, backend);
  const checks = [
    check("fwd.logits", logits.got, logits.want, LOGITS),
    checkEach("losses", trained.losses, settings.losses, RELATIVE),
  ];
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
  return checks;
}

function tracedModel(graph: Graph, { config, lora, frugal }: Replay): DecoderWeights {
  const base = traceLlama(graph, config, () => false, frugal ? PARTS : {});
  return withDecoderLora(graph, config, base, lora);
}

/** Of all tokens; torch's rows of padding are left out. */
async function firstLogits(fixture: Replay, backend: Backend): Promise<Record<"got" | "want", Float32Array>> {
  const { config, logits, batches } = fixture;
  const { sequences, width } = batches[0]!;
  const packed = packBatch(sequences);
  const executable = await compile(backend, (graph) => {
    const weights = tracedModel(graph, fixture);
    const inputs = decoderInputs(graph, config, packed.bucket, config.maxPositions);
    const every = graph.input("predicting", "u32", [packed.tokens]);
    const hidden = llama(config, weights, inputs);
    return { outputs: { logits: nextTokenLogits(weights, hidden, every) } };
  });
  writeInitial(executable, fixture);
  const { ids, positions, ranges } = packed;
  executable.run({
    ids,
    positions,
    ranges,
    predicting: Uint32Array.from({ length: packed.tokens }, (_, row) => row),
  });
  const got = await executable.read("logits");
  executable.dispose();
  const want = sequences.flatMap((sequence, row) => {
    const start = row * width * config.vocabSize;
    return [...logits.values.subarray(start, start + sequence.ids.length * config.vocabSize)];
  });
  return { got, want: Float32Array.from(want) };
}

interface Traced {
  readonly parameters: readonly Tensor[];
  readonly loss: Tensor;
}

function tracedLoss(graph: Graph, fixture: Replay, { bucket, places }: Sizes): Traced {
  const { config } = fixture;
  const weights = tracedModel(graph, fixture);
  const inputs = decoderInputs(graph, config, bucket, config.maxPositions);
  const loss = supervisedLoss(config, weights, inputs, places, { recompute: fixture.frugal });
  return { parameters: weights.parameters(), loss };
}

interface Sizes {
  readonly bucket: Bucket;
  readonly places: number;
}

function sizesOf({ sequences }: DecoderBatch): Sizes {
  return { bucket: bucketFor(sequences), places: predictingRows(sequences) };
}

async function firstGradients(fixture: Replay, backend: Backend): Promise<Map<string, Float32Array>> {
  const batch = fixture.batches[0]!;
  const sizes = sizesOf(batch);
  const names = [...decoderLoraShapes(fixture.config, fixture.lora).keys()];
  const executable = await compile(backend, (graph) => {
    const { parameters, loss } = tracedLoss(graph, fixture, sizes);
    const gradients = grad(loss, parameters);
    return {
      outputs: Object.fromEntries(names.map((name, index) => [`gradient ${name}`, gradients[index]!])),
    };
  });
  writeInitial(executable, fixture);
  executable.run(supervisedFeeds(batch.sequences, sizes.bucket, sizes.places));
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

async function train(fixture: Replay, backend: Backend): Promise<Trained> {
  const { settings, batches } = fixture;
  const totalSteps = settings.total_steps ?? settings.losses.length;
  const rate = warmupLinear({ peak: settings.lr, warmupSteps: settings.warmup_steps, totalSteps });
  const executables = new Map<string, Executable>();
  const [losses, norms]: [number[], number[]] = [[], []];
  for (const [step, batch] of batches.entries()) {
    const sizes = sizesOf(batch);
    const key = JSON.stringify(sizes);
    const [main] = executables.values();
    const executable = executables.get(key) ?? (await compileStep(fixture, backend, sizes, main));
    if (!main) writeInitial(executable, fixture);
    executables.set(key, executable);
    const feeds = supervisedFeeds(batch.sequences, sizes.bucket, sizes.places);
    executable.run({ ...feeds, learningRate: rate(step) });
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
  fixture: Replay,
  backend: Backend,
  sizes: Sizes,
  sharing: Executable | undefined,
): Promise<Executable> {
  const { betas, eps: epsilon, weight_decay: weightDecay, max_grad_norm } = fixture.settings;
  return compile(
    backend,
    (graph) => {
      const { parameters, loss } = tracedLoss(graph, fixture, sizes);
      const { gradients, norm } = clipByGlobalNorm(grad(loss, parameters), max_grad_norm ?? Infinity);
      const learningRate = graph.scalar("learningRate");
      const updates = adamw(parameters, gradients, { learningRate, betas, epsilon, weightDecay });
      return { updates, log: { loss, norm } };
    },
    sharing ? { sharing } : {},
  );
}

/** LoRA's matrices, the frozen base (without a head that is the embeddings) and the table of positions. */
function writeInitial(executable: Executable, { init, config, frugal }: Replay): void {
  for (const [name, { values }] of init) {
    const table = name === EMBEDDINGS || name === HEAD;
    if (name === HEAD && config.tiedEmbeddings) continue;
    const parts =
      table && frugal ? partValues(config, name, values, PARTS.vocabularyRows) : [[name, values] as const];
    for (const [resident, own] of parts) executable.write(resident, own);
  }
  executable.write(ROTARY, rotaryValues(config, config.maxPositions));
}
