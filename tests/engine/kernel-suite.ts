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
  halfCases,
  layerNormCases,
  poolingCases,
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
  ["attention and its gradients", attentionCases],
  ["means of spans", poolingCases],
  ["slices and their gradients", blockCases],
  ["gradients of embedding tables", scatterCases],
  ["accumulated gradients", accumulateCases],
  ["products and rows of halves", halfCases],
];
