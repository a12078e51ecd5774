import { grad } from "./autodiff.ts";
import type { Backend } from "./backend.ts";
import { compile } from "./compile.ts";
import { matmul } from "./ops/matmul.ts";
import { mnrl } from "./ops/mnrl.ts";
import { adamw } from "./optim/adamw.ts";
import { clipByGlobalNorm } from "./optim/clip.ts";

export interface BackendChoice {
  readonly backend: Backend;
  readonly reason: string; // for the page: why this one
  readonly considered: readonly {
    readonly label: string;
    readonly msPerStep: number | undefined;
    readonly problem?: string;
  }[];
}

export interface BackendOpeners {
  readonly webGpu: () => Promise<Backend>;
  readonly cpu: () => Promise<Backend>;
}

const PROBE_MS = 50;
const BATCH = 64;
const FEATURES = 384;

/**
 * Which backend trains. That `navigator.gpu` exists says nothing: a software adapter is several times slower than the
 * CPU backend, so adapter info decides first, and a 50 ms probe of a real adapter step between what is left.
 * The backend that is not taken is disposed. Rejects only where the CPU backend does not open either.
 */
export async function chooseBackend(openers: BackendOpeners): Promise<BackendChoice> {
  const cpu = await openers.cpu();
  const gpu = await openers.webGpu().catch((error: unknown) => problemOf(error));
  if (typeof gpu === "string") {
    const considered = [
      { label: "WebGPU", msPerStep: undefined, problem: gpu },
      { label: cpu.label, msPerStep: undefined },
    ];
    return { backend: cpu, reason: `WebGPU is not available (${gpu})`, considered };
  }
  if (gpu.software) {
    gpu.dispose();
    const considered = [gpu, cpu].map(({ label }) => ({ label, msPerStep: undefined }));
    return {
      backend: cpu,
      reason: `${gpu.label} draws on the CPU; computing there directly is faster`,
      considered,
    };
  }
  return await faster(gpu, cpu);
}

async function faster(gpu: Backend, cpu: Backend): Promise<BackendChoice> {
  const cpuMs = await probe(cpu);
  const gpuMs = await probe(gpu).catch(() => Infinity);
  const [backend, other] = gpuMs <= cpuMs ? [gpu, cpu] : [cpu, gpu];
  other.dispose();
  const considered = [
    { label: gpu.label, msPerStep: gpuMs },
    { label: cpu.label, msPerStep: cpuMs },
  ];
  const [best, rest] = [Math.min(gpuMs, cpuMs), Math.max(gpuMs, cpuMs)].map((ms) => ms.toFixed(2));
  return {
    backend,
    reason: `${backend.label}: ${best} ms a step in a short test, ${other.label}: ${rest} ms`,
    considered,
  };
}

/** Wall milliseconds of a linear adapter's step (batch 64, 384 features), over about 50 ms after a first step. */
export async function probe(backend: Backend): Promise<number> {
  const step = await compile(backend, (graph) => {
    const [queries, documents] = ["queries", "documents"].map((name) =>
      graph.input(name, "f32", [BATCH, FEATURES]),
    );
    const weight = graph.parameter("weight", [FEATURES, FEATURES]);
    const loss = mnrl(matmul(queries!, weight, { transposeB: true }), documents!, { scale: 20 });
    const { gradients } = clipByGlobalNorm(grad(loss, [weight]), 1);
    return {
      log: { loss },
      updates: adamw([weight], gradients, { learningRate: graph.scalar("learningRate") }),
    };
  });
  const vectors = Float32Array.from({ length: BATCH * FEATURES }, (_, index) => Math.sin(index * index));
  const feeds = { queries: vectors, documents: vectors, learningRate: 0 };
  const weight = Float32Array.from({ length: FEATURES ** 2 }, (_, index) =>
    index % (FEATURES + 1) === 0 ? 1 : 0,
  );
  step.write("weight", weight);
  step.run(feeds);
  await step.settle();
  const start = performance.now();
  let steps = 0;
  do {
    for (let repeat = 0; repeat < 4; repeat++) step.run(feeds);
    steps += 4;
    await step.settle();
  } while (performance.now() - start < PROBE_MS);
  const msPerStep = (performance.now() - start) / steps;
  step.dispose();
  return msPerStep;
}

function problemOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
