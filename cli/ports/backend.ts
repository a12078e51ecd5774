import { join } from "node:path";
import type { Backend } from "../../src/engine/backend.ts";
import { openCpu } from "../../src/engine/backends/cpu.ts";
import { openWebGpu } from "../../src/engine/backends/webgpu.ts";
import { openDawn } from "./dawn.ts";
import { readBytes } from "./files.ts";

/** Opens a backend in Node: Dawn's WebGPU, or the WASM kernels that the launcher has built under `root`. */
export async function openBackend(kind: "webgpu" | "cpu", root: string): Promise<Backend> {
  if (kind === "webgpu") return openWebGpu(await openDawn());
  const build = join(root, "src", "engine", "wasm", "build");
  const [simd, relaxed] = await Promise.all(
    ["simd.wasm", "relaxed.wasm"].map((name) => readBytes(join(build, name))),
  );
  return openCpu({ simd: new Uint8Array(simd!), relaxed: new Uint8Array(relaxed!) });
}
