/** Binds the launches of sequence models to kernels, cut by rows, by columns or by shares of the scores. */
import type { Launch } from "../plan.ts";
import type {
  AttentionGradientLaunch,
  AttentionLaunch,
  AttentionReads,
  LayerNormGammaLaunch,
  LayerNormGradientLaunch,
  LayerNormLaunch,
  SequenceLaunch,
} from "../plan-sequence.ts";
import { dropThreshold } from "../random.ts";
import { callOf, type PartCall } from "../wasm/kernels.ts";
import { optionalAddress, type CpuBinding } from "./cpu-binding.ts";
import { piecesOf } from "./cpu-tasks.ts";

const ATTENTION_PARTS = 16; // more than threads are likely, so that a late one finds something left

type OfKind<Kind extends Launch["kind"]> = Extract<Launch, { kind: Kind }>;

/** The calls that compute a launch; reserves the workspace they need. */
export function sequenceCalls(launch: SequenceLaunch, binding: CpuBinding): readonly PartCall[] {
  switch (launch.kind) {
    case "layerNorm":
      return layerNormCalls(launch, binding);
    case "layerNormGradient":
      return layerNormGradientCalls(launch, binding);
    case "layerNormGamma":
      return layerNormGammaCalls(launch, binding);
    case "rotary":
      return rotaryCalls(launch, binding);
    case "attention":
      return attentionCalls(launch, binding);
    case "attentionGradient":
      return attentionGradientCalls(launch, binding);
    case "storeRows": {
      const { rows, columns, storeRows } = launch;
      const [source, places, store] = [launch.source, launch.places, launch.store].map(binding.address);
      return [callOf("storeRows", rows, columns, storeRows, source!, places!, store!)];
    }
    case "cachedAttention":
      return cachedAttentionCalls(launch, binding);
    case "segmentMean": {
      const { segments, columns } = launch;
      const [source, spans, out] = [launch.source, launch.spans, launch.out].map(binding.address);
      return [callOf("segmentMean", segments, columns, source!, spans!, out!)];
    }
    case "segmentMeanGradient": {
      const { rows, segments, columns } = launch;
      const [upstream, spans, out] = [launch.upstream, launch.spans, launch.out].map(binding.address);
      return [callOf("segmentMeanGradient", rows, segments, columns, upstream!, spans!, out!)];
    }
    case "block":
      return [blockCall(launch, binding)];
  }
}

function flagOf({ centred }: { readonly centred: boolean }): 0 | 1 {
  return centred ? 1 : 0;
}

function layerNormCalls(launch: LayerNormLaunch, binding: CpuBinding): PartCall[] {
  const { rows, columns, epsilon } = launch;
  const [x, gamma, out] = [launch.source, launch.gamma, launch.out].map(binding.address);
  const beta = optionalAddress(binding, launch.beta);
  const centred = flagOf(launch);
  return piecesOf(rows, 16 * columns).map(([from, to]) =>
    callOf("layerNorm", from, to, columns, epsilon, centred, x!, gamma!, beta, out!),
  );
}

function layerNormGradientCalls(launch: LayerNormGradientLaunch, { address }: CpuBinding): PartCall[] {
  const { rows, columns, epsilon } = launch;
  const [x, gamma, dY, out] = [launch.source, launch.gamma, launch.upstream, launch.out].map(address);
  return piecesOf(rows, 24 * columns).map(([from, to]) =>
    callOf("layerNormGradient", from, to, columns, epsilon, flagOf(launch), x!, gamma!, dY!, out!),
  );
}

/** By columns, few pieces: each makes all rows' means again. */
function layerNormGammaCalls(launch: LayerNormGammaLaunch, { address }: CpuBinding): PartCall[] {
  const { rows, columns, epsilon } = launch;
  const [x, dY, out] = [launch.source, launch.upstream, launch.out].map(address);
  return piecesOf(columns, 16 * rows, 4, (16 * rows * columns) / 2).map(([from, to]) =>
    callOf("layerNormGamma", rows, columns, from, to, epsilon, flagOf(launch), x!, dY!, out!),
  );
}

function rotaryCalls(launch: OfKind<"rotary">, { address }: CpuBinding): PartCall[] {
  const { rows, heads, headSize, turn, tableRows } = launch;
  const [x, positions, table, out] = [launch.source, launch.positions, launch.table, launch.out].map(address);
  return piecesOf(rows, 8 * heads * headSize).map(([from, to]) =>
    callOf("rotary", from, to, heads, headSize, turn, x!, positions!, table!, tableRows, out!),
  );
}

/** What both attention kernels begin and end with. */
function attentionReads(launch: AttentionReads, { address }: CpuBinding) {
  const { rows, heads, keyHeads, headSize, causal, scale, dropout } = launch;
  const [queries, keys, values, ranges] = [launch.queries, launch.keys, launch.values, launch.ranges].map(
    address,
  );
  const reads = [
    rows,
    heads,
    keyHeads,
    headSize,
    causal ? 1 : 0,
    scale,
    queries!,
    keys!,
    values!,
    ranges!,
  ] as const;
  const drop = dropout
    ? ([dropThreshold(dropout.rate), 1 / (1 - dropout.rate), address(dropout.counter), dropout.seed] as const)
    : ([0, 1, 0, 0] as const);
  const parts = rows * heads < 64 ? 1 : ATTENTION_PARTS;
  return { reads, drop, parts: Array.from({ length: parts }, (_, part) => [part, parts] as const) };
}

function attentionCalls(launch: AttentionLaunch, binding: CpuBinding): PartCall[] {
  const { reads, drop, parts } = attentionReads(launch, binding);
  binding.reserve(binding.kernels.attentionWorkspaceBytes(launch.longest, launch.headSize) >>> 0);
  const out = binding.address(launch.out);
  const logSumExp = optionalAddress(binding, launch.logSumExp);
  return parts.map((part) => callOf("attention", ...reads, out, logSumExp, ...drop, ...part));
}

function attentionGradientCalls(launch: AttentionGradientLaunch, binding: CpuBinding): PartCall[] {
  const { reads, drop, parts } = attentionReads(launch, binding);
  binding.reserve(binding.kernels.attentionGradientWorkspaceBytes(launch.longest, launch.headSize) >>> 0);
  const [out, logSumExp, upstream] = [launch.out, launch.logSumExp, launch.upstream].map(binding.address);
  const [dQ, dK, dV] = [launch.dQueries, launch.dKeys, launch.dValues].map(binding.address);
  return parts.map((part) =>
    callOf("attentionGradient", ...reads, out!, logSumExp!, upstream!, dQ!, dK!, dV!, ...drop, ...part),
  );
}

/** By rows and heads of keys. */
function cachedAttentionCalls(launch: OfKind<"cachedAttention">, binding: CpuBinding): PartCall[] {
  const { rows, heads, keyHeads, headSize, cached, scale } = launch;
  const [queries, keys, values, ranges, out] = [
    ...[launch.queries, launch.keys, launch.values, launch.ranges, launch.out].map(binding.address),
  ];
  binding.reserve(binding.kernels.cachedAttentionWorkspaceBytes(cached) >>> 0);
  const sizes = [heads, keyHeads, headSize, scale] as const;
  const work = (4 * cached * headSize * heads) / keyHeads;
  return piecesOf(rows * keyHeads, work).map(([from, to]) =>
    callOf("cachedAttention", from, to, ...sizes, queries!, keys!, values!, ranges!, out!),
  );
}

function blockCall(launch: OfKind<"block">, { address }: CpuBinding): PartCall {
  const { rows, columns, sourceRows, sourceColumns, rowOffset, columnOffset } = launch;
  const [source, out] = [address(launch.source), address(launch.out)];
  return callOf("copyBlock", rows, columns, source, sourceRows, sourceColumns, rowOffset, columnOffset, out);
}
