import {
  adamwCases,
  elementwiseCases,
  epilogueCases,
  matmulCases,
  reduceCases,
  rowCases,
  softmaxCases,
} from "./kernel-cases.ts";
import type { LaunchBench } from "./launch-bench.ts";
import {
  accumulateCases,
  attentionCases,
  blockCases,
  causalAttentionCases,
  halfCases,
  layerNormCases,
  poolingCases,
  rmsNormCases,
  rotaryCases,
  scatterCases,
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
  ["means of spans", poolingCases],
  ["slices and their gradients", blockCases],
  ["gradients of embedding tables", scatterCases],
  ["accumulated gradients", accumulateCases],
  ["products and rows of halves", halfCases],
];
