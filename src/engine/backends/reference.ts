import type { Backend, Executable } from "../backend.ts";
import type { Plan, StorageSpec } from "../plan.ts";
import { executeLaunch } from "../reference/launches.ts";
import { HostExecutable, type HostMachine, type HostStorage } from "./host.ts";

/** The reference backend: every launch by its plain twin in float64. Slow; what the others are measured against. */
export interface ReferenceBackend extends Backend {
  prepare(plan: Plan, sharing?: Executable): Promise<HostExecutable>;
}

const machine: HostMachine = {
  allocate: (spec) => storageFor(spec),
  bind(launch, plan, storages) {
    const views = plan.buffers.map(({ storage, offset, elements }) =>
      storages[storage]?.values().subarray(offset, offset + elements),
    );
    return () => executeLaunch(launch, (buffer) => views[buffer]!);
  },
};

export function openReference(): ReferenceBackend {
  return {
    kind: "reference",
    label: "Reference (float64)",
    build: "reference-f64",
    software: true,
    halfStorage: false,
    bindingBytes: Infinity,
    prepare: (plan, sharing) => Promise.resolve(new HostExecutable(machine, plan, sharing)),
    dispose: () => undefined,
  };
}

function storageFor({ dtype, elements }: StorageSpec): HostStorage {
  const values = dtype === "u32" ? new Uint32Array(elements) : new Float64Array(elements);
  return { values: () => values, free: () => undefined };
}
