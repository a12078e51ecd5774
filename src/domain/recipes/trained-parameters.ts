// Trained parameters lie in the executable that takes the steps: "w", AdamW's moments "w.m" and "w.v" of the same shape, and the count
// of steps "step" [1]. What a run writes, reads, remembers and puts back is said here once.
import type { Executable } from "../../engine/backend.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { TensorData, Weights } from "../matrix.ts";

function partsOf(name: string): readonly string[] {
  return [name, `${name}.m`, `${name}.v`];
}

/** Starts over from `weights`: moments and step count are zero. */
export function resetParameters(owner: Executable, weights: Weights): void {
  for (const [name, { values }] of weights) {
    owner.write(name, values);
    owner.write(`${name}.m`, new Float32Array(values.length));
    owner.write(`${name}.v`, new Float32Array(values.length));
  }
  owner.write("step", Float32Array.of(0));
}

/** The weights as they are; `trained` are shapes by name. */
export async function readParameters(
  owner: Executable,
  trained: ReadonlyMap<string, readonly number[]>,
): Promise<Weights> {
  const weights = new Map<string, TensorData>();
  for (const [name, shape] of trained) weights.set(name, { shape, values: await owner.read(name) });
  return weights;
}

/** Weights, moments and step count by name: what `restoreParameters` puts back to the same bits. */
export async function captureParameters(
  owner: Executable,
  names: Iterable<string>,
): Promise<Record<string, Float32Array>> {
  const tensors: Record<string, Float32Array> = { step: await owner.read("step") };
  for (const part of [...names].flatMap(partsOf)) tensors[part] = await owner.read(part);
  return tensors;
}

/** Throws "corrupt" where one of `captureParameters`' tensors is missing. */
export function restoreParameters(
  owner: Executable,
  names: Iterable<string>,
  tensors: Readonly<Record<string, Float32Array>>,
): void {
  for (const part of [...[...names].flatMap(partsOf), "step"]) {
    const values = tensors[part];
    if (!values) throw new RetuneError("corrupt", `resume: the checkpoint lacks the tensor "${part}"`);
    owner.write(part, values);
  }
}
