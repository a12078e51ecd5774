import type { Backend } from "../../src/engine/backend.ts";
import type { Launch, NamedBuffer, Plan, StorageSpec } from "../../src/engine/plan.ts";
import { executeLaunch } from "../../src/engine/reference/launches.ts";
import { expectClose, type Tolerance } from "../close.ts";

/** Buffers of a launch by id, densely from 0. */
export type LaunchBuffers = readonly (Float32Array | Uint32Array)[];

/** Executes one launch on `backend` and returns all buffers after it. */
export async function runLaunch(
  backend: Backend,
  launch: Launch,
  buffers: LaunchBuffers,
): Promise<readonly Float32Array[]> {
  const executable = await backend.prepare(planOf(launch, buffers));
  buffers.forEach((values, id) => executable.write(`buffer ${id}`, values));
  executable.run({});
  const results = await Promise.all(buffers.map((_, id) => executable.read(`buffer ${id}`)));
  executable.dispose();
  return results;
}

/** The same by the float64 twin. */
export function runTwin(launch: Launch, buffers: LaunchBuffers): readonly (Float64Array | Uint32Array)[] {
  const values = buffers.map((buffer) =>
    buffer instanceof Uint32Array ? buffer.slice() : Float64Array.from(buffer),
  );
  executeLaunch(launch, (id) => values[id]!);
  return values;
}

/** Runs a launch on both and compares all buffers, so that nothing else was written. */
export async function expectTwin(
  backend: Backend,
  launch: Launch,
  buffers: LaunchBuffers,
  tolerance: Tolerance,
  name: string,
): Promise<void> {
  const got = await runLaunch(backend, launch, buffers);
  const want = runTwin(launch, buffers);
  got.forEach((values, id) =>
    expectClose(values, Float32Array.from(want[id]!), tolerance, `${name}, buffer ${id}`),
  );
}

/** A plan of one launch whose buffers are all residents and outputs, each in a storage of its own. */
function planOf(launch: Launch, buffers: LaunchBuffers): Plan {
  const storages = buffers.map((values, id): StorageSpec => {
    const dtype = values instanceof Uint32Array ? "u32" : "f32";
    return { id, kind: "resident", name: `storage ${id}`, dtype, elements: Math.ceil(values.length / 4) * 4 };
  });
  const log: StorageSpec = { id: buffers.length, kind: "log", name: "log", dtype: "f32", elements: 4 };
  const named = Object.fromEntries(
    buffers.map((values, id): [string, NamedBuffer] => [
      `buffer ${id}`,
      { buffer: id, shape: [values.length], dtype: storages[id]!.dtype },
    ]),
  );
  return {
    storages: [...storages, log],
    buffers: [...buffers, new Float32Array(4)].map((values, id) => ({
      id,
      storage: id,
      offset: 0,
      elements: values.length,
      name: `buffer ${id}`,
    })),
    layout: { elements: 0, parameters: {} },
    prologue: [],
    launches: [launch],
    feeds: {},
    residents: named,
    parameters: {},
    states: {},
    outputs: named,
    constants: [],
    optimizer: undefined,
    log: { buffer: buffers.length, names: [] },
    flops: 0,
    peakBytes: 0,
    parameterBytes: 0,
  };
}

/** Numbers in (−1, 1) that look random and are the same every time. */
export function numbers(count: number, seed: number): Float32Array {
  let state = seed * 7919 + 1;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}
