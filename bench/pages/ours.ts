// The adapter step and the matrix product on Retune's own backends, through the same calls as the recipes make.
import { openCpu } from "../../src/engine/backends/cpu.ts";
import { openWebGpu } from "../../src/engine/backends/webgpu.ts";
import { grad } from "../../src/engine/autodiff.ts";
import type { Backend, Executable } from "../../src/engine/backend.ts";
import { compile } from "../../src/engine/compile.ts";
import { matmul } from "../../src/engine/ops/matmul.ts";
import { mnrl } from "../../src/engine/ops/mnrl.ts";
import { gather } from "../../src/engine/ops/rows.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../src/engine/optim/clip.ts";
import type { AdapterConfig } from "../../src/domain/models/adapter-config.ts";
import { traceAdapter } from "../../src/domain/models/adapter-graph.ts";
import {
  FEATURES,
  HIDDEN,
  LEARNING_RATE,
  linearWeights,
  normalValues,
  ROWS,
  SCALE,
  trainingPairs,
  twoLayerWeights,
  WEIGHT_DECAY,
} from "./data.mjs";

type BackendName = "webgpu" | "wasm-simd" | "wasm-relaxed-simd";
type Work = (count: number) => Promise<number>;

async function open(name: BackendName): Promise<Backend> {
  if (name === "webgpu") return openWebGpu(navigator.gpu);
  const bytes = async (file: string): Promise<ArrayBuffer> =>
    (await fetch(`/wasm/${file}.wasm`)).arrayBuffer();
  return openCpu({ simd: await bytes("simd"), relaxed: await bytes("relaxed") }, { build: name });
}

function adapterOf(twoLayer: boolean): AdapterConfig {
  if (!twoLayer) return { kind: "linear", features: FEATURES, bias: false };
  const sizes = { features: FEATURES, hiddenFeatures: HIDDEN };
  return { kind: "two-layer", ...sizes, activation: "relu", bias: true, residual: true };
}

/** The residual factor starts at 1, as in the peers' programs. */
function initialWeights(twoLayer: boolean): Record<string, Float32Array> {
  if (!twoLayer) return { "linear.weight": linearWeights().weight };
  const { weight1, bias1, weight2, bias2 } = twoLayerWeights();
  return {
    residual_weight: Float32Array.of(1),
    "linear1.weight": weight1,
    "linear1.bias": bias1,
    "linear2.weight": weight2,
    "linear2.bias": bias2,
  };
}

export interface AdapterCase {
  readonly backend: BackendName;
  readonly twoLayer: boolean;
  readonly batchSize: number;
}

/** Prepares the training; the function runs n steps and returns the last loss. */
export async function prepareAdapter({ backend: name, twoLayer, batchSize }: AdapterCase): Promise<Work> {
  const step = await compileStep(await open(name), twoLayer, batchSize);
  const { queries, documents } = trainingPairs();
  step.write("queries", queries);
  step.write("documents", documents);
  for (const [parameter, values] of Object.entries(initialWeights(twoLayer))) step.write(parameter, values);
  let taken = 0;
  return async (count) => {
    for (let index = 0; index < count; index++) {
      const start = (taken++ * batchSize) % ROWS;
      const batch = Uint32Array.from({ length: batchSize }, (_, row) => start + row);
      step.run({ batch, learningRate: LEARNING_RATE });
      if (index % 16 === 15) await step.settle();
    }
    const rows = await step.log();
    return rows.at(-1)?.["loss"] ?? NaN;
  };
}

function compileStep(backend: Backend, twoLayer: boolean, batchSize: number): Promise<Executable> {
  return compile(backend, (graph) => {
    const batch = graph.input("batch", "u32", [batchSize]);
    const queries = gather(graph.resident("queries", "f32", [ROWS, FEATURES]), batch);
    const documents = gather(graph.resident("documents", "f32", [ROWS, FEATURES]), batch);
    const adapter = traceAdapter(graph, adapterOf(twoLayer));
    const loss = mnrl(adapter.forward(queries), documents, { scale: SCALE });
    const { gradients, norm } = clipByGlobalNorm(grad(loss, adapter.parameters), 1);
    const learningRate = graph.scalar("learningRate");
    const updates = adamw(adapter.parameters, gradients, { learningRate, weightDecay: WEIGHT_DECAY });
    return { updates, log: { loss, norm } };
  });
}

/** Prepares C = A·B of size³; the function runs n products. */
export async function prepareMatmul({
  backend: name,
  size,
}: {
  backend: BackendName;
  size: number;
}): Promise<Work> {
  const product = await compile(await open(name), (graph) => {
    // An input keeps the product from being computed once and for all.
    const [a, b] = [graph.input("a", "f32", [size, size]), graph.resident("b", "f32", [size, size])];
    return { outputs: { product: matmul(a, b) } };
  });
  const [a, b] = [1, 2].map((seed) => normalValues(size * size, 1, seed));
  product.write("b", b!);
  return async (count) => {
    for (let index = 0; index < count; index++) product.run({ a: a! });
    await product.settle();
    return 0;
  };
}

/** Opens a backend and compiles the adapter step: what a first use waits for. */
export async function prepareCompile(options: AdapterCase): Promise<Work> {
  const backend = await open(options.backend);
  return async () => {
    await compileStep(backend, options.twoLayer, options.batchSize);
    return 0;
  };
}
