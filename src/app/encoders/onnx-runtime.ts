import type * as Onnx from "onnxruntime-web";

export type Runtime = typeof Onnx;

/** Where onnxruntime finds its own wasm files, and what it may use. */
export interface RuntimeOptions {
  readonly device: "wasm" | "webgpu";
  readonly threads: number;
  /** Folder of onnxruntime's wasm files, ends with "/"; absent in Node, where they lie beside the package. */
  readonly wasmFolder?: string;
}

/**
 * onnxruntime-web for a device. The plain wasm build (14 MB) serves the CPU; only a hardware adapter loads the
 * larger one with WebGPU: on a software adapter it is 70–100 times slower than wasm.
 */
export async function loadRuntime(options: RuntimeOptions): Promise<Runtime> {
  const runtime = (
    options.device === "webgpu"
      ? await import("onnxruntime-web/webgpu")
      : await import("onnxruntime-web/wasm")
  ) as Runtime;
  const { wasm } = runtime.env;
  wasm.numThreads = options.threads;
  if (options.wasmFolder !== undefined) {
    const file = `ort-wasm-simd-threaded${options.device === "webgpu" ? ".asyncify" : ""}`;
    wasm.wasmPaths = {
      mjs: `${options.wasmFolder}${file}.mjs`,
      wasm: `${options.wasmFolder}${file}.wasm`,
    };
  }
  runtime.env.logLevel = "error";
  return runtime;
}
