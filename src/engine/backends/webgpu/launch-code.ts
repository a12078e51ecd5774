import type {
  ElementwiseLaunch,
  GatherLaunch,
  Launch,
  MatmulLaunch,
  Plan,
  RowNormalizeGradientLaunch,
  RowNormalizeLaunch,
  SoftmaxRowsLaunch,
} from "../../plan.ts";
import type { BufferId } from "../../plan.ts";
import type { DType } from "../../graph.ts";
import { isQuantised, scalesAt, storedStride } from "../../stored.ts";
import { BROADCAST_CODES, CHAIN_BYTES, chainCode, leadingFactors, type ChainCode } from "./chain-code.ts";
import {
  groupsFor,
  integers,
  lanesOf,
  MOST_GROUPS,
  withFloats,
  type CodeOptions,
  type LaunchCode,
} from "./code.ts";
import { attentionCode, attentionGradientCodes } from "./attention-code.ts";
import { cachedAttentionCode, storeRowsCode } from "./cache-code.ts";
import { accumulateCodes, adamwCodes, sumSquaresCodes } from "./optimizer-code.ts";
import { reduceCodes } from "./reduce-code.ts";
import { scatterCodes } from "./scatter-code.ts";
import {
  blockCode,
  layerNormCode,
  layerNormGammaCodes,
  layerNormGradientCode,
  rotaryCode,
  segmentMeanCode,
  segmentMeanGradientCode,
} from "./sequence-code.ts";
import { matmulShape } from "./tiles.ts";

/** A launch as dispatches of kernels, in order. `plan` tells where buffers lie in their storages. */
export function launchCodes(
  launch: Launch,
  options: CodeOptions,
  plan: Pick<Plan, "buffers">,
): readonly LaunchCode[] {
  switch (launch.kind) {
    case "scatter":
      return scatterCodes(launch, options);
    case "reduce":
      return reduceCodes(launch, options, plan);
    case "layerNormGamma":
      return layerNormGammaCodes(launch, options);
    case "attentionGradient":
      return attentionGradientCodes(launch, options);
    case "accumulate":
      return accumulateCodes(launch, options);
    case "sumSquares":
      return sumSquaresCodes(launch, options);
    case "adamw":
      return adamwCodes(launch, options);
    default:
      return [launchCode(launch, options)];
  }
}

type SeveralDispatches =
  "scatter" | "reduce" | "layerNormGamma" | "attentionGradient" | "accumulate" | "sumSquares" | "adamw";

function launchCode(launch: Exclude<Launch, { kind: SeveralDispatches }>, options: CodeOptions): LaunchCode {
  const LANES = lanesOf(options);
  switch (launch.kind) {
    case "gather":
      return gatherCode(launch, LANES);
    case "matmul":
      return matmulCode(launch, options);
    case "elementwise":
      return elementwiseCode(launch);
    case "rowNormalize":
      return { ...rowwise(launch, LANES), kernel: "rowNormalize", bindings: [launch.source, launch.out] };
    case "rowNormalizeGradient": {
      const bindings = [launch.source, launch.upstream, launch.out];
      return { ...rowwise(launch, LANES), kernel: "rowNormalizeGradient", bindings };
    }
    case "softmaxRows":
      return softmaxCode(launch, LANES);
    case "layerNorm":
      return layerNormCode(launch, options);
    case "layerNormGradient":
      return layerNormGradientCode(launch, options);
    case "rotary":
      return rotaryCode(launch);
    case "attention":
      return attentionCode(launch, options);
    case "storeRows":
      return storeRowsCode(launch, options);
    case "cachedAttention":
      return cachedAttentionCode(launch, options);
    case "segmentMean":
      return segmentMeanCode(launch);
    case "segmentMeanGradient":
      return segmentMeanGradientCode(launch, options);
    case "block":
      return blockCode(launch, options);
    default:
      return launch satisfies never;
  }
}

function rowwise(
  { rows, columns }: RowNormalizeLaunch | RowNormalizeGradientLaunch,
  LANES: number,
): Omit<LaunchCode, "kernel" | "bindings"> {
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
    storedStride(copy.dtype, copy.columns),
    isQuantised(copy.dtype)
      ? scalesAt(copy.dtype, copy.tableRows, storedStride(copy.dtype, copy.columns))
      : 0,
    ...[0, 0],
  ]);
  const most = Math.max(...copies.map(({ rows, columns }) => rows * columns));
  const [tables, results] = [copies.map(({ table }) => table), copies.map(({ out }) => out)];
  return {
    kernel: "gather",
    constants: { LANES, STORED: STORED_CODES[copies[0]!.dtype] },
    settings: integers([...words, ...Array<number>(24 - words.length).fill(0)]),
    bindings: [tables[0], tables[1], tables[2], indices[0], indices[1], results[0], results[1], results[2]],
    groups: [Math.min(MOST_GROUPS, Math.max(...copies.map(({ rows }) => rows))), copies.length],
    flops: most,
  };
}

/** How shaders call what a matrix is stored in. */
const STORED_CODES: Readonly<Record<DType, number>> = { f32: 0, u32: 0, f16: 1, q8: 2, q4: 3 };

function matmulCode(launch: MatmulLaunch, { tiles, software }: CodeOptions): LaunchCode {
  const { m, n, k, strideA, strideB, strideOut, layout } = launch;
  const { factor, buffer, rest } = leadingFactors(launch.steps);
  const chain = chainCode(rest, buffer);
  const shape = matmulShape(launch, tiles, software);
  const code = ["NT", "NN", "TN", "TT"].indexOf(layout);
  const { typeB = "f32" } = launch;
  const rowsOfB = layout.endsWith("T") ? n : k;
  const scales = isQuantised(typeB) ? scalesAt(typeB, rowsOfB, strideB) : 0;
  const head = [m, n, k, strideA, strideB, strideOut, rest.length, code, 0, chain.leadSlot, scales, 0];
  const settings = withChain(head, chain);
  new DataView(settings).setFloat32(32, factor, true);
  return {
    ...shape,
    constants: { ...shape.constants, STORED: STORED_CODES[typeB], ...chainConstants(chain) },
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

const SOFT = 0xffffffff; // instead of a number of positives: targets

function softmaxCode(launch: SoftmaxRowsLaunch, LANES: number): LaunchCode {
  const { rows, columns, stride, scale, logits, queries, positives, targets, groups } = launch;
  const { loss, coefficients } = launch;
  const perRow = targets === undefined ? (positives?.perRow ?? 0) : SOFT;
  const flags = [groups ? 1 : 0, coefficients === undefined ? 0 : 1];
  const words = [rows, columns, stride, queries?.width ?? 0, perRow, ...flags, 0];
  return {
    kernel: "softmaxRows",
    constants: { LANES },
    settings: withFloats(integers(words), [[7, scale]]),
    bindings: [
      ...[logits, queries?.buffer, targets ?? positives?.buffer, groups?.rows, groups?.columns],
      ...[loss, coefficients, queries?.beta],
    ],
    groups: [Math.min(rows, MOST_GROUPS), 1],
    flops: rows * columns * 12,
  };
}
