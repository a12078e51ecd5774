/** A whole training step and a forward pass of a bge-small, and where their time goes. */
import { nodeThreads } from "../../cli/ports/node-threads.ts";
import { bert } from "../../src/domain/models/bert/bert.ts";
import { bertConfigOf } from "../../src/domain/models/bert/config.ts";
import { batchInputs } from "../../src/domain/models/bert/inputs.ts";
import { encoderShapes } from "../../src/domain/models/bert/names.ts";
import { pooled } from "../../src/domain/models/bert/pooling.ts";
import { traceWeights } from "../../src/domain/models/bert/weights.ts";
import { packBatch, packedFeeds, type PackedBatch } from "../../src/domain/text/pack.ts";
import { grad } from "../../src/engine/autodiff.ts";
import type { Executable } from "../../src/engine/backend.ts";
import { openCpu } from "../../src/engine/backends/cpu.ts";
import { compile } from "../../src/engine/compile.ts";
import { mnrl } from "../../src/engine/ops/mnrl.ts";
import { rows } from "../../src/engine/ops/slices.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../src/engine/optim/clip.ts";
import type { Launch } from "../../src/engine/plan.ts";
import type { WasmBuild, WasmBytes } from "../../src/engine/wasm/kernels.ts";

export const BGE_SMALL = bertConfigOf({
  model_type: "bert",
  vocab_size: 30522,
  hidden_size: 384,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  intermediate_size: 1536,
  hidden_dropout_prob: 0,
  attention_probs_dropout_prob: 0,
});

const PAIRS = 10;

export interface EncoderBench {
  readonly build: WasmBuild;
  readonly threads: number;
  readonly query: number; // tokens
  readonly document: number;
  readonly steps: number;
}

interface Spent {
  cpu: number;
  wall: number;
  flops: number;
  count: number;
}

/** Prints seconds of a step by kind of launch, with GFLOP per CPU-second of the products and of attention. */
export async function measureEncoder(wasm: WasmBytes, options: EncoderBench): Promise<void> {
  const spent = new Map<string, Spent>();
  let before = process.cpuUsage();
  const backend = await openCpu(wasm, {
    build: options.build,
    threads: nodeThreads(options.threads),
    observe: (launch, wall) => {
      const { user, system } = process.cpuUsage(before);
      add(spent, nameOf(launch), {
        cpu: (user + system) / 1e6,
        wall: wall / 1e3,
        flops: flopsOf(launch, options),
        count: 1,
      });
      before = process.cpuUsage();
    },
  });
  const batch = packedPairs(options);
  for (const train of [true, false]) {
    const executable = await compileStep(backend, batch, train);
    const feeds = { ...packedFeeds(batch, "cls"), ...(train ? { learningRate: 2e-5 } : {}) };
    executable.run(feeds);
    spent.clear();
    const started = process.cpuUsage();
    const clock = performance.now();
    for (let step = 0; step < options.steps; step++) {
      before = process.cpuUsage();
      executable.run(feeds);
    }
    const { user, system } = process.cpuUsage(started);
    const cpu = (user + system) / 1e6 / options.steps;
    const wall = (performance.now() - clock) / 1e3 / options.steps;
    const { peakBytes, launches } = executable.plan;
    console.log(
      `${train ? "step" : "forward"} ${backend.label}: ${cpu.toFixed(2)} CPU-s, ${wall.toFixed(2)} s, ${batch.tokens} tokens ` +
        `(${(batch.tokens / cpu).toFixed(0)} tokens per CPU-s), ${launches} launches, ${(peakBytes / 2 ** 20).toFixed(0)} MiB planned, ` +
        `rss ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`,
    );
    print(spent, options.steps);
    executable.dispose();
  }
  backend.dispose();
}

function packedPairs({ query, document }: EncoderBench): PackedBatch {
  const sequence = (length: number, seed: number) => ({
    ids: Array.from({ length }, (_, i) => (seed * 7919 + i * 104729) % BGE_SMALL.vocabSize),
  });
  return packBatch([
    ...Array.from({ length: PAIRS }, (_, i) => sequence(query, i)),
    ...Array.from({ length: PAIRS }, (_, i) => sequence(document, 100 + i)),
  ]);
}

async function compileStep(
  backend: Awaited<ReturnType<typeof openCpu>>,
  packed: PackedBatch,
  train: boolean,
): Promise<Executable> {
  const shapes = encoderShapes(BGE_SMALL);
  const executable = await compile(backend, (graph) => {
    const batch = batchInputs(graph, packed.bucket, "cls");
    const weights = traceWeights(graph, shapes, () => train);
    const vectors = pooled(bert(BGE_SMALL, weights, batch), batch);
    if (!train) return { outputs: { vectors } };
    const loss = mnrl(rows(vectors, 0, PAIRS), rows(vectors, PAIRS, PAIRS), { scale: 20 });
    const parameters = weights.parameters();
    const { gradients, norm } = clipByGlobalNorm(grad(loss, parameters), 1);
    const updates = adamw(parameters, gradients, { learningRate: graph.scalar("learningRate") });
    return { updates, log: { loss, norm } };
  });
  for (const [name, shape] of shapes) {
    const size = shape.reduce((product, length) => product * length, 1);
    executable.write(
      name,
      name.includes("LayerNorm.weight")
        ? new Float32Array(size).fill(1)
        : Float32Array.from({ length: size }, (_, i) => 0.03 * Math.sin(i * 12.9898 + (i % 7))),
    );
  }
  return executable;
}

function nameOf(launch: Launch): string {
  if (launch.kind === "reduce") return `reduce ${launch.reductions[0]!.axis}`;
  if (launch.kind === "elementwise") return `elementwise ${launch.steps.map(({ kind }) => kind).join(" ")}`;
  if (launch.kind !== "matmul") return launch.kind;
  const steps = launch.steps
    .map((step) => ("activation" in step ? `${step.kind} ${step.activation}` : step.kind))
    .join(" ");
  return `matmul ${launch.layout} ${launch.m}×${launch.n}×${launch.k} ${steps}`;
}

function flopsOf(launch: Launch, { query, document }: EncoderBench): number {
  if (launch.kind === "matmul") return 2 * launch.m * launch.n * launch.k;
  const pairs = PAIRS * (query ** 2 + document ** 2);
  if (launch.kind === "attention") return 4 * pairs * launch.heads * launch.headSize;
  if (launch.kind === "attentionGradient") return 10 * pairs * launch.heads * launch.headSize;
  return 0;
}

function add(spent: Map<string, Spent>, name: string, more: Spent): void {
  const known = spent.get(name) ?? { cpu: 0, wall: 0, flops: 0, count: 0 };
  known.cpu += more.cpu;
  known.wall += more.wall;
  known.flops += more.flops;
  known.count += more.count;
  spent.set(name, known);
}

function print(spent: Map<string, Spent>, steps: number): void {
  const total = [...spent.values()].reduce((sum, { cpu }) => sum + cpu, 0);
  for (const [name, { cpu, flops, count }] of [...spent].sort((a, b) => b[1].cpu - a[1].cpu)) {
    const rate = flops > 0 ? `${(flops / 1e9 / cpu).toFixed(1)} GFLOP/CPU-s` : "";
    const share = ((100 * cpu) / total).toFixed(1).padStart(5);
    console.log(
      `  ${share} %  ${((1e3 * cpu) / steps).toFixed(1).padStart(8)} ms  ${count / steps}× ${name}  ${rate}`,
    );
  }
}
