import { grad } from "../../src/engine/autodiff.ts";
import type { Backend, Executable } from "../../src/engine/backend.ts";
import { nodeThreads } from "../../cli/ports/node-threads.ts";
import { CpuMemory } from "../../src/engine/backends/cpu-memory.ts";
import { openCpu } from "../../src/engine/backends/cpu.ts";
import { compile } from "../../src/engine/compile.ts";
import type { Graph, Tensor } from "../../src/engine/graph.ts";
import { activate } from "../../src/engine/ops/activations.ts";
import { add, addBias, scaleBy } from "../../src/engine/ops/elementwise.ts";
import { matmul } from "../../src/engine/ops/matmul.ts";
import { mnrl } from "../../src/engine/ops/mnrl.ts";
import { gather } from "../../src/engine/ops/rows.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../src/engine/optim/clip.ts";
import { chooseBuild, type Kernels, type WasmBuild, type WasmBytes } from "../../src/engine/wasm/kernels.ts";

const D = 384;
const HIDDEN = 1024;
const ROWS = 2000;
const BUILDS: readonly WasmBuild[] = ["wasm-simd", "wasm-relaxed-simd"];
const LAYOUTS = ["NT", "NN", "TN"] as const;
const SHAPES = [
  [512, 512, 512],
  [10, 384, 384],
  [64, 384, 384],
  [10, 1024, 384],
  [64, 1024, 384],
  [384, 384, 10],
  [384, 384, 64],
  [1024, 384, 64],
] as const;

/** Prints both tables. */
export async function measure(wasm: WasmBytes): Promise<void> {
  await printMatmuls(wasm);
  await printSteps(wasm, 1);
  await printSteps(wasm, 2);
}

async function printMatmuls(wasm: WasmBytes): Promise<void> {
  console.log("GFLOP per CPU-second, one thread, median of 5");
  for (const asked of BUILDS) {
    const { build, bytes } = chooseBuild(wasm, asked);
    const memory = new CpuMemory();
    const { instance } = await WebAssembly.instantiate(bytes, { env: { memory: memory.memory } });
    const kernels = instance.exports as unknown as Kernels;
    const [a, b, c] = [0, 0, 0].map(() => memory.allocate(1 << 22)) as [number, number, number];
    for (const at of [a, b]) memory.floats(at, 1 << 20).forEach((_, i, values) => (values[i] = Math.sin(i)));
    const workspace = memory.allocate(kernels.matmulWorkspaceBytes(0));
    for (const [m, n, k] of SHAPES) {
      const rates = LAYOUTS.map((layout) => {
        const [strideA, strideB] = [layout === "TN" ? m : k, layout === "NT" ? k : n];
        const once = (): void =>
          kernels[`matmul${layout}`](a, strideA, b, strideB, c, n, m, n, k, 0, workspace);
        return `${layout} ${((2 * m * n * k) / 1e6 / milliseconds(once).cpu).toFixed(1)}`;
      });
      console.log(`  ${build}  ${m}×${n}×${k}: ${rates.join("  ")}`);
    }
  }
}

async function printSteps(wasm: WasmBytes, threads: number): Promise<void> {
  console.log(
    `CPU ms (wall ms) a step: MNRL, clipping, AdamW, 384 dimensions; ${threads} threads, median of 5`,
  );
  for (const build of BUILDS) {
    const backend = await openCpu(wasm, { build, threads: nodeThreads(threads) });
    for (const twoLayer of [false, true]) {
      for (const batch of [10, 64]) {
        const step = await adapterStep(backend, twoLayer, batch);
        const rows = Uint32Array.from({ length: batch }, (_, i) => (i * 31) % ROWS);
        const { cpu, wall } = milliseconds(() => step.run({ batch: rows, learningRate: 1e-3 }));
        const { launches } = step.plan;
        const name = twoLayer ? `${D}-${HIDDEN}-${D}` : "linear";
        console.log(
          `  ${build}  ${name}, batch ${batch}: ${cpu.toFixed(2)} (${wall.toFixed(2)}), ${launches} launches`,
        );
        step.dispose();
      }
    }
    backend.dispose();
  }
}

async function adapterStep(backend: Backend, twoLayer: boolean, batch: number): Promise<Executable> {
  const step = await compile(backend, (graph) => {
    const rows = graph.input("batch", "u32", [batch]);
    const queries = gather(graph.resident("q", "f32", [ROWS, D]), rows);
    const documents = gather(graph.resident("d", "f32", [ROWS, D]), rows);
    const { output, parameters } = twoLayer ? traceTwoLayer(graph, queries) : traceLinear(graph, queries);
    const loss = mnrl(output, documents, { scale: 20 });
    const { gradients, norm } = clipByGlobalNorm(grad(loss, parameters), 1);
    const updates = adamw(parameters, gradients, { learningRate: graph.scalar("learningRate") });
    return { updates, log: { loss, norm } };
  });
  const noise = (count: number, scale: number): Float32Array =>
    Float32Array.from({ length: count }, (_, i) => scale * Math.sin(i * 12.9898 + (i % 7)));
  step.write("q", noise(ROWS * D, 1));
  step.write("d", noise(ROWS * D, 1).reverse());
  for (const [name, { shape }] of Object.entries(step.layout.parameters)) {
    step.write(
      name,
      noise(
        shape.reduce((product, size) => product * size, 1),
        0.05,
      ),
    );
  }
  return step;
}

function traceLinear(graph: Graph, x: Tensor): { output: Tensor; parameters: readonly Tensor[] } {
  const w = graph.parameter("w", [D, D]);
  return { output: matmul(x, w, { transposeB: true }), parameters: [w] };
}

function traceTwoLayer(graph: Graph, x: Tensor): { output: Tensor; parameters: readonly Tensor[] } {
  const [w1, b1] = [graph.parameter("w1", [HIDDEN, D]), graph.parameter("b1", [HIDDEN])];
  const [w2, b2] = [graph.parameter("w2", [D, HIDDEN]), graph.parameter("b2", [D])];
  const residual = graph.parameter("residual", [1]);
  const hidden = activate(addBias(matmul(x, w1, { transposeB: true }), b1), "relu");
  const output = addBias(matmul(hidden, w2, { transposeB: true }), b2);
  return { output: add(scaleBy(output, residual), x), parameters: [w1, b1, w2, b2, residual] };
}

/** Median milliseconds of one call, over five stretches of about 200 ms. */
function milliseconds(once: () => void): { cpu: number; wall: number } {
  const stretch = (count: number): { cpu: number; wall: number } => {
    const [before, started] = [process.cpuUsage(), performance.now()];
    for (let i = 0; i < count; i++) once();
    const { user, system } = process.cpuUsage(before);
    return { cpu: (user + system) / 1000 / count, wall: (performance.now() - started) / count };
  };
  const warm = stretch(20).wall;
  const count = Math.max(3, Math.ceil(200 / Math.max(warm, 1e-3)));
  const stretches = [1, 2, 3, 4, 5].map(() => stretch(count));
  const median = (key: "cpu" | "wall"): number => stretches.map((s) => s[key]).sort((a, b) => a - b)[2]!;
  return { cpu: median("cpu"), wall: median("wall") };
}
