import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Backend } from "../../src/engine/backend.ts";
import { openCpu } from "../../src/engine/backends/cpu.ts";
import { openWebGpu } from "../../src/engine/backends/webgpu.ts";
import { chooseBackend as chooseByProbe } from "../../src/engine/choose.ts";
import { openDawn } from "./dawn.ts";
import { nodeThreads } from "./node-threads.ts";
import { readBytes } from "./files.ts";

export type BackendKind = "webgpu" | "cpu";

/** Opens a backend in Node: Dawn's WebGPU, or the WASM kernels that the launcher has built under `root`. */
export async function openBackend(kind: BackendKind, root: string, threads = 1): Promise<Backend> {
  if (kind === "webgpu") return openWebGpu(await openDawn());
  const single = await builds(root, "");
  if (threads === 1) return openCpu(single);
  return openCpu({ ...single, threaded: await builds(root, "-threads") }, { threads: nodeThreads(threads) });
}

async function builds(
  root: string,
  kind: "" | "-threads",
): Promise<{ simd: BufferSource; relaxed: BufferSource }> {
  const folder = join(root, "src", "engine", "wasm", "build");
  const read = async (name: string): Promise<BufferSource> =>
    new Uint8Array(await readBytes(join(folder, `${name}${kind}.wasm`)));
  return { simd: await read("simd"), relaxed: await read("relaxed") };
}

export interface OpenedBackend {
  readonly backend: Backend;
  readonly reason: string;
}

/**
 * The asked backend; without one, what adapter info and a short probe say (never a software adapter). `threads` are those
 * of the CPU backend, all cores where a job names none: the bits do not depend on it.
 */
export async function chooseBackend(
  asked: BackendKind | undefined,
  root: string,
  threads = availableParallelism(),
): Promise<OpenedBackend> {
  const cpu = (): Promise<Backend> => openBackend("cpu", root, threads);
  if (asked) {
    const backend = asked === "cpu" ? await cpu() : await openBackend(asked, root);
    return { backend, reason: "asked for by the job" };
  }
  if (/swiftshader/i.test(process.env["VK_ICD_FILENAMES"] ?? "")) {
    return {
      backend: await cpu(),
      reason: "the only WebGPU driver here draws on the CPU",
    };
  }
  return chooseByProbe({ webGpu: () => openBackend("webgpu", root), cpu });
}
