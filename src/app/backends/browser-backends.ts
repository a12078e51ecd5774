import relaxedAddress from "../../engine/wasm/build/relaxed.wasm?url";
import simdAddress from "../../engine/wasm/build/simd.wasm?url";
import type { Backend } from "../../engine/backend.ts";
import { openCpu } from "../../engine/backends/cpu.ts";
import { adapterFacts, openWebGpu } from "../../engine/backends/webgpu.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { WasmBuild } from "../../engine/wasm/kernels.ts";
import type { BackendFacts } from "../protocol/calls.ts";
import type { BackendPort } from "../services/train-service.ts";
import type { BackendChoice } from "../studio.ts";

/** Opens what computes in this browser: WebGPU on a hardware adapter, else the WASM kernels. */
export function browserBackends(): BackendPort {
  return {
    async facts(choice) {
      const gpu = await gpuFacts();
      const backend = await decide(choice, gpu);
      const threads = crossOriginIsolated ? navigator.hardwareConcurrency : 1;
      return { backend, gpu, threads };
    },
    async open(choice, device) {
      const saved = device === undefined ? undefined : parsed(device);
      const active = saved?.kind ?? (await decide(choice, await gpuFacts())).active;
      if (active === "cpu") return openWasm(saved?.build as WasmBuild | undefined);
      try {
        return await openWebGpu(navigator.gpu, saved ? { tiles: saved.build } : {});
      } catch (error) {
        if (error instanceof RetuneError && error.code === "no-webgpu") return openWasm(undefined);
        throw error;
      }
    },
  };
}

async function openWasm(build: WasmBuild | undefined): Promise<Backend> {
  const [simd, relaxed] = await Promise.all([simdAddress, relaxedAddress].map(fetchBytes));
  return openCpu({ simd: simd!, relaxed: relaxed! }, build === undefined ? {} : { build });
}

async function fetchBytes(address: string): Promise<ArrayBuffer> {
  const response = await fetch(address);
  if (response.ok) return response.arrayBuffer();
  throw new RetuneError(
    "network",
    `The kernels (${address}) could not be loaded: ${response.status}. Reload.`,
  );
}

async function gpuFacts(): Promise<BackendFacts["gpu"]> {
  const gpu = navigator.gpu as GPU | undefined;
  const adapter = await gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return { available: false, software: false, name: "" };
  const { label, software } = adapterFacts(adapter);
  return { available: true, software, name: label };
}

async function decide(choice: BackendChoice, gpu: BackendFacts["gpu"]): Promise<BackendFacts["backend"]> {
  if (choice === "webgpu" && gpu.available) {
    return { active: "webgpu", label: gpu.name, reason: "chosen by hand" };
  }
  const cpu = await openWasm(undefined);
  const { label } = cpu;
  cpu.dispose();
  if (choice === "cpu") return { active: "cpu", label, reason: "chosen by hand" };
  if (!gpu.available) return { active: "cpu", label, reason: "this browser offers no WebGPU adapter" };
  if (gpu.software) {
    const reason = `${gpu.name} computes WebGPU without a GPU, many times slower than these kernels`;
    return { active: "cpu", label, reason };
  }
  return { active: "webgpu", label: gpu.name, reason: "a GPU with WebGPU" };
}

function parsed(device: string): { readonly kind: "webgpu" | "cpu"; readonly build: string } {
  const [kind, ...build] = device.split(" ");
  return { kind: kind === "webgpu" ? "webgpu" : "cpu", build: build.join(" ") };
}
