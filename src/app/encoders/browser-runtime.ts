import { adapterFacts } from "../../engine/backends/webgpu.ts";
import type { RuntimeOptions } from "./onnx-runtime.ts";

const MOST_THREADS = 4;

/** WebGPU on a hardware adapter; else wasm, with threads where the page is isolated. */
export async function browserRuntime(site: string): Promise<RuntimeOptions> {
  const gpu = navigator.gpu as GPU | undefined;
  const adapter = await gpu?.requestAdapter({ powerPreference: "high-performance" });
  const threads = crossOriginIsolated ? Math.min(MOST_THREADS, navigator.hardwareConcurrency) : 1;
  const device = adapter && !adapterFacts(adapter).software ? "webgpu" : "wasm";
  return { device, threads, wasmFolder: new URL("ort/", site).href };
}
