import { join } from "node:path";
import type { Backend } from "../../src/engine/backend.ts";
import { openCpu } from "../../src/engine/backends/cpu.ts";
import { openWebGpu } from "../../src/engine/backends/webgpu.ts";
import { chooseBackend as chooseByProbe } from "../../src/engine/choose.ts";
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

export interface OpenedBackend {
  readonly backend: Backend;
  readonly reason: string;
}

/** The asked backend; without one, what adapter info and a short probe say (never a software adapter). */
export async function chooseBackend(asked: BackendKind | undefined, root: string): Promise<OpenedBackend> {
  if (asked) return { backend: await openBackend(asked, root), reason: "asked for by the job" };
  if (/swiftshader/i.test(process.env["VK_ICD_FILENAMES"] ?? "")) {
    return {
      backend: await openBackend("cpu", root),
      reason: "the only WebGPU driver here draws on the CPU",
    };
  }
  return chooseByProbe({ webGpu: () => openBackend("webgpu", root), cpu: () => openBackend("cpu", root) });
}
