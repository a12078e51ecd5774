import type {
  AdamWLaunch,
  BufferId,
  ElementwiseLaunch,
  GatherLaunch,
  Launch,
  MatmulLaunch,
  Plan,
  ReduceLaunch,
  SoftmaxRowsLaunch,
} from "../../plan.ts";
import { ALIGNMENT } from "../../plan.ts";
import { BROADCAST_CODES, CHAIN_BYTES, chainCode, leadingFactors, type ChainCode } from "./chain-code.ts";
import type { KernelName } from "./kernel-table.ts";
import { matmulShape, type TileChoice } from "./tiles.ts";

/** A buffer, the whole storage that a buffer lies in, a constant table, or nothing: a spare buffer. */
export type Binding = BufferId | { readonly storageOf: BufferId } | Float32Array | undefined;

/** A launch as WebGPU takes it. Bindings follow the uniform at binding 0, in order. */
export interface LaunchCode {
  readonly kernel: KernelName;
  readonly constants: Readonly<Record<string, number>>;
  readonly settings: ArrayBuffer; // the uniform at binding 0
  readonly bindings: readonly Binding[];
  readonly groups: readonly [number, number];
  readonly flops: number;
}

export interface CodeOptions {
  readonly tiles: TileChoice;
  readonly software: boolean;
}

const THREADS = 64;
const MOST_GROUPS = 65_535;
const NONE = 0xffffffff;
const NO_SLOT = 255;
// vec4s that a thread of the optimizer updates: summing the partial norms, which each does, must cost little beside it.
const OPTIMIZER_BLOCKS = { hardware: 8, software: 64 };

/** Lanes of the row kernels: one SIMD group on a software adapter, where barriers between groups are dear. */
function lanesOf({ software }: CodeOptions): number {
  return software ? 4 : 64;
}

export function launchCode(launch: Launch, options: CodeOptions, plan: Pick<Plan, "buffers">): LaunchCode {
  const LANES = lanesOf(options);
  switch (launch.kind) {
    case "gather":
      return gatherCode(launch, LANES);
    case "scatter": {
      const { rows, tableRows, columns, source, indices, out } = launch;
      const elements = tableRows * columns;
      const settings = integers([rows, tableRows, columns]);
      return {
        ...plain(elements),
        kernel: "scatter",
        settings,
        bindings: [source, indices, out],
        flops: elements * rows,
      };
    }
    case "matmul":
      return matmulCode(launch, options);
    case "elementwise":
      return elementwiseCode(launch);
    case "reduce":
      return reduceCode(launch, options, plan);
    case "rowNormalize": {
      const { rows, columns, source, out } = launch;
      return { ...rowwise(rows, columns, LANES), kernel: "rowNormalize", bindings: [source, out] };
    }
    case "rowNormalizeGradient": {
      const { rows, columns, source, upstream, out } = launch;
      return {
        ...rowwise(rows, columns, LANES),
        kernel: "rowNormalizeGradient",
        bindings: [source, upstream, out],
      };
    }
    case "softmaxRows":
      return softmaxCode(launch, LANES);
    case "sumSquares": {
      const { source, partials, elements, chunk, count } = launch;
      const settings = integers([elements, chunk]);
      const groups = [count, 1] as const;
      return {
        kernel: "sumSquares",
        constants: { LANES },
        settings,
        bindings: [source, partials],
        groups,
        flops: elements,
      };
    }
    case "adamw":
      return adamwCode(launch, options);
    default:
      return launch satisfies never;
  }
}

function integers(values: readonly number[]): ArrayBuffer {
  const words = new Uint32Array(Math.ceil(values.length / 4) * 4);
  words.set(values);
  return words.buffer;
}

function groupsFor(threads: number): number {
  return Math.max(1, Math.min(MOST_GROUPS, Math.ceil(threads / THREADS)));
}

function plain(threads: number): Pick<LaunchCode, "constants" | "groups"> {
  return { constants: {}, groups: [groupsFor(threads), 1] };
}

function rowwise(rows: number, columns: number, LANES: number): Omit<LaunchCode, "kernel" | "bindings"> {
  const groups = [Math.min(rows, MOST_GROUPS), 1] as const;
  return { constants: { LANES }, groups, settings: integers([rows, columns]), flops: rows * columns * 4 };
}

function gatherCode({ copies }: GatherLaunch, LANES: number): LaunchCode {
  const indices = [...new Set(copies.map((copy) => copy.indices))];
  const words = copies.flatMap((copy) => [
    copy.rows,
    copy.columns,
    copy.tableRows,
    indices.indexOf(copy.indices),
  ]);
  const most = Math.max(...copies.map(({ rows, columns }) => rows * columns));
  const [tables, results] = [copies.map(({ table }) => table), copies.map(({ out }) => out)];
  return {
    kernel: "gather",
    constants: { LANES },
    settings: integers([...words, ...Array<number>(12 - words.length).fill(0)]),
    bindings: [tables[0], tables[1], tables[2], indices[0], indices[1], results[0], results[1], results[2]],
    groups: [Math.min(MOST_GROUPS, Math.max(...copies.map(({ rows }) => rows))), copies.length],
    flops: most,
  };
}

function matmulCode(launch: MatmulLaunch, { tiles, software }: CodeOptions): LaunchCode {
  const { m, n, k, strideA, strideB, strideOut, layout } = launch;
  const { factor, buffer, rest } = leadingFactors(launch.steps);
  const chain = chainCode(rest, buffer);
  const shape = matmulShape(launch, tiles, software);
  const code = ["NT", "NN", "TN", "TT"].indexOf(layout);
  const head = [m, n, k, strideA, strideB, strideOut, rest.length, code, 0, chain.leadSlot, 0, 0];
  const settings = withChain(head, chain);
  new DataView(settings).setFloat32(32, factor, true);
  return {
    ...shape,
    constants: { ...shape.constants, ...chainConstants(chain) },
    settings,
    bindings: [launch.a, launch.b, launch.out, ...fourOperands(chain)],
    flops: 2 * m * n * k,
  };
}

function elementwiseCode({ rows, columns, source, out, steps }: ElementwiseLaunch): LaunchCode {
  const chain = chainCode(steps);
  return {
    kernel: "elementwise",
    constants: chainConstants(chain),
    settings: withChain([rows, columns, steps.length, BROADCAST_CODES[source.broadcast]], chain),
    bindings: [source.buffer, out, ...fourOperands(chain)],
    groups: [groupsFor(rows * Math.ceil(columns / 4)), 1],
    flops: rows * columns * Math.max(1, steps.length),
  };
}

function withChain(head: readonly number[], chain: ChainCode): ArrayBuffer {
  const settings = new ArrayBuffer(head.length * 4 + CHAIN_BYTES);
  new Uint32Array(settings).set(head);
  chain.write(new DataView(settings), head.length * 4);
  return settings;
}

function chainConstants({ kinds, activations, operands }: ChainCode): Record<string, number> {
  return { KINDS: kinds, ACTIVATIONS: activations, OPERANDS: operands.length };
}

function fourOperands({ operands }: ChainCode): (BufferId | undefined)[] {
  return [operands[0], operands[1], operands[2], operands[3]];
}

/** Reductions that share a launch may write different buffers of one storage, so the storage is bound whole. */
function reduceCode(
  { reductions }: ReduceLaunch,
  options: CodeOptions,
  plan: Pick<Plan, "buffers">,
): LaunchCode {
  const sources = [
    ...new Set(reductions.flatMap(({ source, times, factor }) => [source, times, factor])),
  ].filter((buffer) => buffer !== undefined);
  const slot = (buffer: BufferId | undefined): number =>
    buffer === undefined ? NO_SLOT : sources.indexOf(buffer);
  const settings = new ArrayBuffer(4 * 32);
  const view = new DataView(settings);
  reductions.forEach((reduction, index) => {
    const { axis, rows, columns, source, times, factor, scale, root, out, at } = reduction;
    const slots = slot(source) | (slot(times) << 8) | (slot(factor) << 16);
    [["all", "rows", "columns"].indexOf(axis), rows, columns, slots].forEach((word, place) =>
      view.setUint32(index * 32 + place * 4, word, true),
    );
    view.setFloat32(index * 32 + 16, scale, true);
    view.setUint32(index * 32 + 20, root ? 1 : 0, true);
    view.setUint32(index * 32 + 24, plan.buffers[out]!.offset + at, true);
  });
  const LANES = lanesOf(options);
  const results = reductions.map(({ axis, rows, columns }) =>
    axis === "all" ? 1 : axis === "rows" ? rows : columns,
  );
  return {
    kernel: "reduce",
    constants: { LANES },
    settings,
    bindings: [sources[0], sources[1], sources[2], sources[3], sources[4], { storageOf: reductions[0]!.out }],
    groups: [Math.min(MOST_GROUPS, Math.ceil(Math.max(...results) / LANES)), reductions.length],
    flops: reductions.reduce((sum, { rows, columns }) => sum + rows * columns, 0),
  };
}

function softmaxCode(launch: SoftmaxRowsLaunch, LANES: number): LaunchCode {
  const { rows, columns, stride, scale, logits, queries, positives, groups, loss, coefficients } = launch;
  const flags = [groups ? 1 : 0, coefficients === undefined ? 0 : 1];
  const settings = integers([
    rows,
    columns,
    stride,
    queries?.width ?? 0,
    positives?.perRow ?? 0,
    ...flags,
    0,
  ]);
  new DataView(settings).setFloat32(28, scale, true);
  return {
    kernel: "softmaxRows",
    constants: { LANES },
    settings,
    bindings: [
      ...[logits, queries?.buffer, positives?.buffer, groups?.rows, groups?.columns],
      ...[loss, coefficients, queries?.beta],
    ],
    groups: [Math.min(rows, MOST_GROUPS), 1],
    flops: rows * columns * 12,
  };
}

function adamwCode(launch: AdamWLaunch, { software }: CodeOptions): LaunchCode {
  const { elements, partialCount, loss, normAt, maxNorm, epsilon, betas, segments } = launch;
  const settings = integers([
    elements,
    partialCount,
    loss?.count ?? 0,
    normAt ?? NONE,
    loss?.at ?? NONE,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  ]);
  const view = new DataView(settings);
  const largest = 3.4028234663852886e38;
  const floats = [
    loss?.scale ?? 0,
    Math.min(maxNorm, largest),
    epsilon,
    ...betas,
    1 - betas[0],
    1 - betas[1],
  ];
  floats.forEach((value, index) => view.setFloat32(20 + index * 4, value, true));
  const decay = new Float32Array(elements / ALIGNMENT).fill(-1);
  for (const { offset, elements: size, weightDecay } of segments) {
    decay.fill(weightDecay, offset / ALIGNMENT, Math.ceil((offset + size) / ALIGNMENT));
  }
  return {
    kernel: "adamw",
    constants: {},
    settings,
    bindings: [
      ...[launch.learningRate, ...launch.corrections, launch.weights, launch.gradients, launch.moments],
      ...[decay, launch.partials, loss?.rows, launch.log],
    ],
    groups: [groupsFor(elements / 4 / OPTIMIZER_BLOCKS[software ? "software" : "hardware"]), 1],
    flops: elements * 14,
  };
}

/** Kernels that differ only in the arms of their chain become one: fewer pipelines to compile before the first step. */
export function shareChains(codes: readonly LaunchCode[]): LaunchCode[] {
  const union = new Map<string, { KINDS: number; ACTIVATIONS: number; OPERANDS: number }>();
  const keyOf = ({ kernel, constants }: LaunchCode): string => {
    const { KINDS: _kinds, ACTIVATIONS: _activations, OPERANDS: _operands, ...rest } = constants;
    return `${kernel} ${JSON.stringify(rest)}`;
  };
  for (const code of codes) {
    const { KINDS, ACTIVATIONS = 0, OPERANDS = 0 } = code.constants;
    if (KINDS === undefined) continue;
    const known = union.get(keyOf(code)) ?? { KINDS: 0, ACTIVATIONS: 0, OPERANDS: 0 };
    union.set(keyOf(code), {
      KINDS: known.KINDS | KINDS,
      ACTIVATIONS: known.ACTIVATIONS | ACTIVATIONS,
      OPERANDS: Math.max(known.OPERANDS, OPERANDS),
    });
  }
  return codes.map((code) => ({ ...code, constants: { ...code.constants, ...union.get(keyOf(code)) } }));
}
