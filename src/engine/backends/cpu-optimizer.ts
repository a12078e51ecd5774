/** Binds the optimizer's launch: norm, guard, clip factor and log row here, the segments cut into calls of equal size. */
import type { AdamWLaunch } from "../plan.ts";
import { callOf, type PartCall } from "../wasm/kernels.ts";
import { FLOAT, type CpuBinding } from "./cpu-binding.ts";
import { rangesOf } from "./cpu-tasks.ts";

const SCALARS = 9; // as assembly/adamw.ts reads them
const GRAIN = 1 << 18; // elements of a call

export function bindAdamW(launch: AdamWLaunch, binding: CpuBinding): () => void {
  const { memory, address } = binding;
  const [partials, log] = [address(launch.partials), address(launch.log)];
  const { maxNorm, normAt, loss } = launch;
  const rows = loss && address(loss.rows);
  const logSize = 1 + Math.max(normAt ?? 0, loss?.at ?? 0);
  const update = bindUpdate(launch, binding);
  return () => {
    const squares = Math.fround(sum(memory.floats(partials, launch.partialCount)));
    const norm = Math.sqrt(squares);
    const finite = Number.isFinite(squares); // the sum itself, before any minimum could hide it
    const row = memory.floats(log, logSize);
    row[0] = finite ? 0 : 1;
    if (finite) update(Math.min(1, maxNorm / (norm + 1e-6)));
    if (normAt !== undefined) row[normAt] = norm;
    if (loss && rows !== undefined) row[loss.at] = loss.scale * sum(memory.floats(rows, loss.count));
  };
}

/** The update as a function of the clip factor: writes the scalars of this step, then computes. */
function bindUpdate(launch: AdamWLaunch, binding: CpuBinding): (clip: number) => void {
  const { memory, address } = binding;
  const decays = [...new Set(launch.segments.map(({ weightDecay }) => weightDecay))];
  const scalars = binding.keep(new Uint32Array(SCALARS + decays.length));
  const compute = binding.compute(callsOf(launch, binding, scalars, decays));
  const [beta1, beta2] = launch.betas;
  const fed = [launch.learningRate, ...launch.corrections].map(address);
  return (clip) => {
    const [rate, first, second] = fed.map((at) => memory.floats(at, 1)[0]!) as [number, number, number];
    const values = [clip, beta1, 1 - beta1, beta2, 1 - beta2, rate, first, second, launch.epsilon];
    memory.floats(scalars, SCALARS).set(values);
    memory.floats(scalars + SCALARS * FLOAT, decays.length).set(decays.map((decay) => 1 - rate * decay));
    compute();
  };
}

function callsOf(
  launch: AdamWLaunch,
  { address }: CpuBinding,
  scalars: number,
  decays: readonly number[],
): PartCall[] {
  const [weights, gradients, moments] = [launch.weights, launch.gradients, launch.moments].map(address);
  return launch.segments.flatMap(({ offset, elements, weightDecay }) => {
    const keep = scalars + (SCALARS + decays.indexOf(weightDecay)) * FLOAT;
    return rangesOf(elements, GRAIN).map(([from, to]) => {
      const at = (offset + from) * FLOAT;
      const second = moments! + launch.elements * FLOAT + at;
      return callOf("adamw", weights! + at, gradients! + at, moments! + at, second, to - from, scalars, keep);
    });
  });
}

function sum(values: Float32Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
