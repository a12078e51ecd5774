import { ALIGNMENT, type AdamWLaunch, type SumSquaresLaunch } from "../../plan.ts";
import { groupsFor, integers, lanesOf, LARGEST, NOWHERE, type CodeOptions, type LaunchCode } from "./code.ts";

// vec4s that a thread of the optimizer updates: summing the partial norms, which each does, must cost little beside it.
const OPTIMIZER_BLOCKS = { hardware: 8, software: 64 };

export function sumSquaresCode(launch: SumSquaresLaunch, options: CodeOptions): LaunchCode {
  const { source, partials, elements, chunk, count } = launch;
  return {
    kernel: "sumSquares",
    constants: { LANES: lanesOf(options) },
    settings: integers([elements, chunk]),
    bindings: [source, partials],
    groups: [count, 1],
    flops: elements,
  };
}

/** Decay by block of 64 elements; what no segment covers is marked as not trained. */
function decayTable({ elements, segments }: AdamWLaunch): Float32Array {
  const decay = new Float32Array(elements / ALIGNMENT).fill(-1);
  for (const { offset, elements: size, weightDecay } of segments) {
    decay.fill(weightDecay, offset / ALIGNMENT, Math.ceil((offset + size) / ALIGNMENT));
  }
  return decay;
}

export function adamwCode(launch: AdamWLaunch, { software }: CodeOptions): LaunchCode {
  const { elements, partialCount, loss, normAt, maxNorm, epsilon, betas } = launch;
  const lossAt = loss?.at ?? NOWHERE;
  const words = [elements, partialCount, loss?.count ?? 0, normAt ?? NOWHERE, lossAt];
  const settings = integers([...words, ...Array<number>(7).fill(0)]);
  const view = new DataView(settings);
  const clip = [loss?.scale ?? 0, Math.min(maxNorm, LARGEST), epsilon];
  [...clip, ...betas, 1 - betas[0], 1 - betas[1]].forEach((value, index) => {
    view.setFloat32((words.length + index) * 4, value, true);
  });
  return {
    kernel: "adamw",
    constants: {},
    settings,
    bindings: [
      ...[launch.learningRate, ...launch.corrections, launch.weights, launch.gradients, launch.moments],
      ...[decayTable(launch), launch.partials, loss?.rows, launch.log],
    ],
    groups: [groupsFor(elements / 4 / OPTIMIZER_BLOCKS[software ? "software" : "hardware"]), 1],
    flops: elements * 14,
  };
}
