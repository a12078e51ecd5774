import adamw from "../../kernels/adamw.wgsl?raw";
import elementwise from "../../kernels/elementwise.wgsl?raw";
import gather from "../../kernels/gather.wgsl?raw";
import matmulNn from "../../kernels/matmul_nn.wgsl?raw";
import matmulNt from "../../kernels/matmul_nt.wgsl?raw";
import matmulTiled from "../../kernels/matmul_tiled.wgsl?raw";
import matmulTn from "../../kernels/matmul_tn.wgsl?raw";
import reduce from "../../kernels/reduce.wgsl?raw";
import rowNormalizeGradient from "../../kernels/row_normalize_gradient.wgsl?raw";
import rowNormalize from "../../kernels/row_normalize.wgsl?raw";
import scatter from "../../kernels/scatter.wgsl?raw";
import softmaxRows from "../../kernels/softmax_rows.wgsl?raw";
import sumSquares from "../../kernels/sum_squares.wgsl?raw";

/** What a binding of a kernel is: u uniform, r storage read, w storage read and write. */
export type BindingKind = "u" | "r" | "w";

export interface Kernel {
  readonly source: string;
  readonly bindings: string; // one BindingKind a binding, in order
}

/** Every kernel with its bindings. A WebGPU device of any kind has room for eight storage bindings. */
export const KERNELS = {
  adamw: { source: adamw, bindings: "uuuuwrwrrrw" },
  elementwise: { source: elementwise, bindings: "urwrrrr" },
  gather: { source: gather, bindings: "urrrrrwww" },
  matmulNn: { source: matmulNn, bindings: "urrwrrrr" },
  matmulNt: { source: matmulNt, bindings: "urrwrrrr" },
  matmulTiled: { source: matmulTiled, bindings: "urrwrrrr" },
  matmulTn: { source: matmulTn, bindings: "urrwrrrr" },
  reduce: { source: reduce, bindings: "urrrrrw" },
  rowNormalize: { source: rowNormalize, bindings: "urw" },
  rowNormalizeGradient: { source: rowNormalizeGradient, bindings: "urrw" },
  scatter: { source: scatter, bindings: "urrw" },
  softmaxRows: { source: softmaxRows, bindings: "urrrrrwww" },
  sumSquares: { source: sumSquares, bindings: "urw" },
} as const satisfies Record<string, Kernel>;

export type KernelName = keyof typeof KERNELS;
