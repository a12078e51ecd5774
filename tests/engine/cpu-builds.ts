import v8 from "node:v8";
import { loadWasm } from "../../scripts/build-wasm.mjs";
import type { Backend } from "../../src/engine/backend.ts";
import { openCpu } from "../../src/engine/backends/cpu.ts";
import type { WasmBuild } from "../../src/engine/wasm/kernels.ts";

export const BUILDS: readonly WasmBuild[] = ["wasm-simd", "wasm-relaxed-simd"];

/** The CPU backend on one build. Node 20 has relaxed SIMD behind a flag, which may be set while it runs. */
export async function openBuild(build: WasmBuild): Promise<Backend> {
  const wasm = await loadWasm();
  if (!WebAssembly.validate(wasm.relaxed)) v8.setFlagsFromString("--experimental-wasm-relaxed-simd");
  return openCpu(wasm, { build });
}
