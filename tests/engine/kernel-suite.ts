import {
  adamwCases,
  elementwiseCases,
  epilogueCases,
  matmulCases,
  reduceCases,
  rowCases,
  softmaxCases,
} from "./kernel-cases.ts";
import { cachedAttentionCases, storeRowsCases } from "./kernel-cases-cache.ts";
import type { LaunchBench } from "./launch-bench.ts";
import {
  accumulateCases,
  attentionCases,
  blockCases,
  causalAttentionCases,
  layerNormCases,
  poolingCases,
  rmsNormCases,
  rotaryCases,
  scatterCases,
  storedCases,
} from "./kernel-cases-sequence.ts";

/** What every backend's kernels must compute as the float64 twins do: each kind of launch at every size and in every variant. */
export const KERNEL_SUITE: readonly (readonly [string, (bench: LaunchBench) => void])[] = [
  ["products of every layout", matmulCases],
  ["steps after a product", epilogueCases],
  ["element-wise chains", elementwiseCases],
  ["sums", reduceCases],
  ["row operations", rowCases],
  ["softmax losses", softmaxCases],
  ["optimizer steps", adamwCases],
  ["layer normalisations", layerNormCases],
  ["root-mean-square normalisations", rmsNormCases],
  ["rotary positions", rotaryCases],
  ["attention and its gradients", attentionCases],
  ["causal and grouped attention and its gradients", causalAttentionCases],
  ["rows that are stored", storeRowsCases],
  ["attention over stored rows", cachedAttentionCases],
  ["means of spans", poolingCases],
  ["slices and their gradients", blockCases],
  ["gradients of embedding tables", scatterCases],
  ["accumulated gradients", accumulateCases],
  ["products and rows of what is stored in fewer bits", storedCases],
];
