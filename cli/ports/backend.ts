import { join } from "node:path";
import type { Backend } from "../../src/engine/backend.ts";
import { openCpu } from "../../src/engine/backends/cpu.ts";
import { openWebGpu } from "../../src/engine/backends/webgpu.ts";
import { openDawn } from "./dawn.ts";
import { readBytes } from "./files.ts";

export type BackendKind = "webgpu" | "cpu";

/** Opens a backend in Node: Dawn's WebGPU, or the WASM kernels that the launcher has built under `root`. */
export async function openBackend(kind: BackendKind, root: string): Promise<Backend> {
  if (kind === "webgpu") return openWebGpu(await openDawn());
  const build = join(root, "src", "engine", "wasm", "build");
  const [simd, relaxed] = await Promise.all(
    ["simd.wasm", "relaxed.wasm"].map((name) => readBytes(join(build, name))),
  );
  return openCpu({ simd: new Uint8Array(simd!), relaxed: new Uint8Array(relaxed!) });
}

/** The asked backend; without one, a hardware GPU where there is one, else the CPU, which beats a software adapter. */
export async function chooseBackend(asked: BackendKind | undefined, root: string): Promise<Backend> {
  if (asked) return openBackend(asked, root);
  if (/swiftshader/i.test(process.env["VK_ICD_FILENAMES"] ?? "")) return openBackend("cpu", root);
  const gpu = await openBackend("webgpu", root).catch(() => undefined);
  if (gpu && !gpu.software) return gpu;
  gpu?.dispose();
  return openBackend("cpu", root);
}
