import accumulate from "../../kernels/accumulate.wgsl?raw";
import adamw from "../../kernels/adamw.wgsl?raw";
import attentionDelta from "../../kernels/attention_delta.wgsl?raw";
import attentionGradientKeys from "../../kernels/attention_gradient_keys.wgsl?raw";
import attentionGradientQueries from "../../kernels/attention_gradient_queries.wgsl?raw";
import attentionRowsGradientKeys from "../../kernels/attention_rows_gradient_keys.wgsl?raw";
import attentionRowsGradientQueries from "../../kernels/attention_rows_gradient_queries.wgsl?raw";
import attentionRows from "../../kernels/attention_rows.wgsl?raw";
import attention from "../../kernels/attention.wgsl?raw";
import block from "../../kernels/block.wgsl?raw";
import cachedAttention from "../../kernels/cached_attention.wgsl?raw";
import clear from "../../kernels/clear.wgsl?raw";
import columnSums from "../../kernels/column_sums.wgsl?raw";
import elementwise from "../../kernels/elementwise.wgsl?raw";
import gather from "../../kernels/gather.wgsl?raw";
import layerNormGamma from "../../kernels/layer_norm_gamma.wgsl?raw";
import layerNormGradient from "../../kernels/layer_norm_gradient.wgsl?raw";
import layerNorm from "../../kernels/layer_norm.wgsl?raw";
import matmulNn from "../../kernels/matmul_nn.wgsl?raw";
import matmulNt from "../../kernels/matmul_nt.wgsl?raw";
import matmulTiled from "../../kernels/matmul_tiled.wgsl?raw";
import matmulTn from "../../kernels/matmul_tn.wgsl?raw";
import reduce from "../../kernels/reduce.wgsl?raw";
import rotary from "../../kernels/rotary.wgsl?raw";
import rowNormalizeGradient from "../../kernels/row_normalize_gradient.wgsl?raw";
import rowNormalize from "../../kernels/row_normalize.wgsl?raw";
import scatter from "../../kernels/scatter.wgsl?raw";
import segmentMeanGradient from "../../kernels/segment_mean_gradient.wgsl?raw";
import segmentMean from "../../kernels/segment_mean.wgsl?raw";
import softmaxRows from "../../kernels/softmax_rows.wgsl?raw";
import storeRows from "../../kernels/store_rows.wgsl?raw";
import sumSquares from "../../kernels/sum_squares.wgsl?raw";

/** What a binding of a kernel is: u uniform, r storage read, w storage read and write. */
export type BindingKind = "u" | "r" | "w";

export interface Kernel {
  readonly source: string;
  readonly bindings: string; // one BindingKind a binding, in order
}

/** Every kernel with its bindings. A WebGPU device of any kind has room for eight storage bindings. */
export const KERNELS = {
  accumulate: { source: accumulate, bindings: "urw" },
  adamw: { source: adamw, bindings: "uuuuwrwwrrrw" },
  attention: { source: attention, bindings: "uurrrrww" },
  attentionDelta: { source: attentionDelta, bindings: "urrrw" },
  attentionGradientKeys: { source: attentionGradientKeys, bindings: "uurrrrrrww" },
  attentionGradientQueries: { source: attentionGradientQueries, bindings: "uurrrrrrw" },
  attentionRows: { source: attentionRows, bindings: "uurrrrww" },
  attentionRowsGradientKeys: { source: attentionRowsGradientKeys, bindings: "uurrrrrrww" },
  attentionRowsGradientQueries: { source: attentionRowsGradientQueries, bindings: "uurrrrrrw" },
  block: { source: block, bindings: "urw" },
  cachedAttention: { source: cachedAttention, bindings: "urrrrw" },
  clear: { source: clear, bindings: "uw" },
  columnSums: { source: columnSums, bindings: "urrw" },
  elementwise: { source: elementwise, bindings: "urwrrrr" },
  gather: { source: gather, bindings: "urrrrrwww" },
  layerNorm: { source: layerNorm, bindings: "urrrw" },
  layerNormGamma: { source: layerNormGamma, bindings: "urrw" },
  layerNormGradient: { source: layerNormGradient, bindings: "urrrw" },
  matmulNn: { source: matmulNn, bindings: "urrwrrrr" },
  matmulNt: { source: matmulNt, bindings: "urrwrrrr" },
  matmulTiled: { source: matmulTiled, bindings: "urrwrrrr" },
  matmulTn: { source: matmulTn, bindings: "urrwrrrr" },
  reduce: { source: reduce, bindings: "urrrrrw" },
  rotary: { source: rotary, bindings: "urrrw" },
  rowNormalize: { source: rowNormalize, bindings: "urw" },
  rowNormalizeGradient: { source: rowNormalizeGradient, bindings: "urrw" },
  scatter: { source: scatter, bindings: "urrw" },
  segmentMean: { source: segmentMean, bindings: "urrw" },
  segmentMeanGradient: { source: segmentMeanGradient, bindings: "urrw" },
  softmaxRows: { source: softmaxRows, bindings: "urrrrrwww" },
  storeRows: { source: storeRows, bindings: "urrw" },
  sumSquares: { source: sumSquares, bindings: "urw" },
} as const satisfies Record<string, Kernel>;

export type KernelName = keyof typeof KERNELS;
