import {
  ALIGNMENT,
  type AccumulateLaunch,
  type AdamWLaunch,
  type BufferId,
  type SumSquaresLaunch,
} from "../../plan.ts";
import {
  groupsFor,
  integers,
  lanesOf,
  LARGEST,
  NOWHERE,
  piecesOf,
  withFloats,
  type CodeOptions,
  type LaunchCode,
  type Region,
} from "./code.ts";

// vec4s that a thread of the optimizer updates: summing the partial norms, which each does, must cost little beside it.
const OPTIMIZER_BLOCKS = { hardware: 8, software: 64 };

/** Arenas may be larger than a binding: each piece binds what it works on. */
export function sumSquaresCodes(launch: SumSquaresLaunch, options: CodeOptions): LaunchCode[] {
  const { source, partials, elements, chunk } = launch;
  return piecesOf(elements, chunk, options).map(([from, size]) => ({
    kernel: "sumSquares",
    constants: { LANES: lanesOf(options) },
    settings: integers([size, chunk, from / chunk]),
    bindings: [{ buffer: source, from, elements: size }, partials],
    groups: [Math.ceil(size / chunk), 1],
    flops: size,
  }));
}

export function accumulateCodes(launch: AccumulateLaunch, options: CodeOptions): LaunchCode[] {
  const { source, target, elements } = launch;
  return piecesOf(elements, ALIGNMENT, options).map(([from, size]) => ({
    kernel: "accumulate",
    constants: {},
    settings: integers([Math.ceil(size / 4)]),
    bindings: [source, target].map((buffer): Region => ({ buffer, from, elements: size })),
    groups: [groupsFor(size / 4), 1],
    flops: size,
  }));
}

/** Decay by block of 64 elements; what no segment covers is marked as not trained. */
function decayTable({ elements, segments }: AdamWLaunch): Float32Array {
  const decay = new Float32Array(elements / ALIGNMENT).fill(-1);
  for (const { offset, elements: size, weightDecay } of segments) {
    decay.fill(weightDecay, offset / ALIGNMENT, Math.ceil((offset + size) / ALIGNMENT));
  }
  return decay;
}

/** The optimizer in pieces of the arenas; every piece decides by the same norm, the first writes the log. */
export function adamwCodes(launch: AdamWLaunch, options: CodeOptions): LaunchCode[] {
  const { elements, weights, gradients, moments } = launch;
  const decay = decayTable(launch);
  const blocks = OPTIMIZER_BLOCKS[options.software ? "software" : "hardware"];
  return piecesOf(elements, ALIGNMENT, options).map(([from, size]) => {
    const region = (buffer: BufferId, offset = 0): Region => ({
      buffer,
      from: offset + from,
      elements: size,
    });
    return {
      kernel: "adamw",
      constants: {},
      settings: adamwSettings(launch, size, from === 0),
      bindings: [
        ...[launch.learningRate, ...launch.corrections],
        ...[region(weights), region(gradients), region(moments), region(moments, elements)],
        decay.slice(from / ALIGNMENT, (from + size) / ALIGNMENT),
        ...[launch.partials, launch.loss?.rows, launch.log],
      ],
      groups: [groupsFor(size / 4 / blocks), 1],
      flops: size * 14,
    };
  });
}

function adamwSettings(launch: AdamWLaunch, size: number, writesLog: boolean): ArrayBuffer {
  const { partialCount, loss, normAt, maxNorm, epsilon, betas } = launch;
  const words = [size, partialCount, loss?.count ?? 0, normAt ?? NOWHERE, loss?.at ?? NOWHERE];
  const floats = [
    loss?.scale ?? 0,
    Math.min(maxNorm, LARGEST),
    epsilon,
    ...betas,
    1 - betas[0],
    1 - betas[1],
  ];
  return withFloats(
    integers([...words, ...floats.map(() => 0), writesLog ? 1 : 0]),
    floats.map((value, index) => [words.length + index, value] as const),
  );
}
