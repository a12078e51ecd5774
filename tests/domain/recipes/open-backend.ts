import { readFileSync } from "node:fs";
import type { Backend } from "../../../src/engine/backend.ts";
import { openCpu } from "../../../src/engine/backends/cpu.ts";

/** The CPU backend on the kernels as built; plain SIMD, which every Node has without a flag. */
export function openTestCpu(): Promise<Backend> {
  const simd = readFileSync(new URL("../../../src/engine/wasm/build/simd.wasm", import.meta.url));
  return openCpu({ simd: new Uint8Array(simd) });
}
