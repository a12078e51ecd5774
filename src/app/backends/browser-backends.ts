import { adapterFacts, openWebGpu } from "../../engine/backends/webgpu.ts";
import { chooseBackend } from "../../engine/choose.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { WasmBuild } from "../../engine/wasm/kernels.ts";
import type { BackendFacts } from "../protocol/calls.ts";
import type { BackendPort } from "../services/train-service.ts";
import type { BackendChoice } from "../studio.ts";
import { openWasm } from "./wasm-kernels.ts";

type Decision = BackendFacts["backend"];

/** Opens what computes in this browser. What "auto" means is found out once and then kept. */
export function browserBackends(): BackendPort {
  let automatic: Promise<Decision> | undefined;
  const decide = async (choice: BackendChoice): Promise<Decision> => {
    const gpu = await gpuFacts();
    if (choice === "webgpu" && gpu.available) {
      return { active: "webgpu", label: gpu.name, reason: "chosen by hand" };
    }
    if (choice === "cpu") return { active: "cpu", label: await wasmLabel(), reason: "chosen by hand" };
    return (automatic ??= automaticChoice(gpu));
  };
  return {
    async facts(choice) {
      const threads = crossOriginIsolated ? navigator.hardwareConcurrency : 1;
      return { backend: await decide(choice), gpu: await gpuFacts(), threads };
    },
    async open(choice, device) {
      const saved = device === undefined ? undefined : parsed(device);
      const active = saved?.kind ?? (await decide(choice)).active;
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

async function gpuFacts(): Promise<BackendFacts["gpu"]> {
  const gpu = navigator.gpu as GPU | undefined;
  const adapter = await gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return { available: false, software: false, name: "" };
  const { label, software } = adapterFacts(adapter);
  return { available: true, software, name: label };
}

/** A software adapter is not even opened; a hardware one is timed against the CPU on a few real steps. */
async function automaticChoice(gpu: BackendFacts["gpu"]): Promise<Decision> {
  if (!gpu.available) {
    return { active: "cpu", label: await wasmLabel(), reason: "this browser offers no WebGPU adapter" };
  }
  if (gpu.software) {
    const reason = `${gpu.name} draws on the CPU; computing there directly is many times faster`;
    return { active: "cpu", label: await wasmLabel(), reason };
  }
  const openers = { webGpu: () => openWebGpu(navigator.gpu), cpu: () => openWasm(undefined) };
  const { backend, reason } = await chooseBackend(openers);
  const { kind, label } = backend;
  backend.dispose();
  return { active: kind === "webgpu" ? "webgpu" : "cpu", label, reason };
}

async function wasmLabel(): Promise<string> {
  const backend = await openWasm(undefined);
  const { label } = backend;
  backend.dispose();
  return label;
}

function parsed(device: string): { readonly kind: "webgpu" | "cpu"; readonly build: string } {
  const [kind, ...build] = device.split(" ");
  return { kind: kind === "webgpu" ? "webgpu" : "cpu", build: build.join(" ") };
}
