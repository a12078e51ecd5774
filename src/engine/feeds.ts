import type { Feeds, LogRow } from "./backend.ts";
import { RetuneError } from "./errors.ts";
import { elementCount, isStored, showShape } from "./graph.ts";
import type { BufferSpec, NamedBuffer, Plan } from "./plan.ts";
import { stored, storedWords } from "./stored.ts";

/** Hands every fed value to `put`, checked: nothing missing, nothing unknown, right type and length. */
export function eachFeed(
  plan: Plan,
  feeds: Feeds,
  put: (target: BufferSpec, values: Float32Array | Uint32Array | number) => void,
): void {
  for (const name of Object.keys(feeds)) {
    if (!plan.feeds[name]) {
      const known = Object.keys(plan.feeds).join(", ") || "none";
      throw new RetuneError("shape", `run: "${name}" is no input of this step; its inputs are: ${known}`);
    }
  }
  for (const [name, target] of Object.entries(plan.feeds)) {
    const values = feeds[name];
    if (values === undefined)
      throw new RetuneError("shape", `run: input "${name}" is missing; feed ${describe(target)}`);
    if (typeof values === "number" ? elementCount(target.shape) !== 1 : !fits(target, values)) {
      throw new RetuneError("shape", `run: input "${name}" expects ${describe(target)}, got ${show(values)}`);
    }
    put(plan.buffers[target.buffer]!, values);
  }
}

/** The leaf that `write` may write. "step" is the executor's own. */
export function leafOf(plan: Plan, name: string): NamedBuffer | undefined {
  return plan.residents[name] ?? plan.parameters[name] ?? plan.states[name];
}

/** What `write` writes: where, and the values as they are stored there, checked. */
export interface Written {
  readonly buffer: BufferSpec;
  readonly leaf: NamedBuffer;
  readonly values: Float32Array | Uint32Array;
}

export function writable(plan: Plan, name: string, values: Float32Array | Uint32Array): Written {
  const target = leafOf(plan, name);
  if (!target) {
    const known = [plan.residents, plan.parameters, plan.states]
      .flatMap((group) => Object.keys(group))
      .join(", ");
    throw new RetuneError(
      "shape",
      `write: "${name}" is no resident, parameter or state; there are: ${known}`,
    );
  }
  if (!fits(target, values)) {
    throw new RetuneError("shape", `write: "${name}" expects ${describe(target)}, got ${show(values)}`);
  }
  const { dtype, shape } = target;
  const kept = isStored(dtype) ? stored(dtype, shape, values) : values;
  return { buffer: plan.buffers[target.buffer]!, leaf: target, values: kept };
}

/** The buffer that `read` may read. */
export function readable(
  plan: Plan,
  name: string,
): { readonly buffer: BufferSpec; readonly elements: number } {
  const target = plan.parameters[name] ?? plan.states[name] ?? plan.outputs[name];
  if (!target) {
    const known = [plan.parameters, plan.states, plan.outputs]
      .flatMap((group) => Object.keys(group))
      .join(", ");
    throw new RetuneError(
      "shape",
      `read: "${name}" is no parameter, state or output; there are: ${known}, step`,
    );
  }
  return { buffer: plan.buffers[target.buffer]!, elements: elementCount(target.shape) };
}

/** 1/(1 − β₁ᵗ) and 1/(1 − β₂ᵗ) in float64, t from 1. */
export function biasCorrections(betas: readonly [number, number], step: number): readonly [number, number] {
  return [1 / (1 - betas[0] ** step), 1 / (1 - betas[1] ** step)];
}

/** Values of the log buffer as a row by name. */
export function logRow(names: readonly string[], values: ArrayLike<number>): LogRow {
  return Object.fromEntries(names.map((name, index) => [name, values[1 + index]!]));
}

export function notFinite(steps: number): RetuneError {
  const what = `${steps} step${steps === 1 ? " had a gradient" : "s had gradients"} that is not finite`;
  return new RetuneError(
    "not-finite",
    `optimizer: ${what}; the weights are those before it: lower the learning rate`,
  );
}

function fits({ dtype, shape }: NamedBuffer, values: Float32Array | Uint32Array): boolean {
  if (isStored(dtype) && values instanceof Uint32Array) return values.length === storedWords(dtype, shape);
  const rightType = dtype === "u32" ? values instanceof Uint32Array : values instanceof Float32Array;
  return rightType && values.length === elementCount(shape);
}

function describe({ dtype, shape }: NamedBuffer): string {
  const type = dtype === "u32" ? "Uint32Array" : "Float32Array";
  const words = isStored(dtype)
    ? `, or the ${storedWords(dtype, shape)} words that store it in ${dtype}`
    : "";
  return `${type} of ${elementCount(shape)} (shape ${showShape(shape)}${words})`;
}

function show(values: Float32Array | Uint32Array | number): string {
  return typeof values === "number" ? "a number" : `${values.constructor.name} of ${values.length}`;
}
