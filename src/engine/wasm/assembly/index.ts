// What the CPU backend calls; src/engine/wasm/kernels.ts names the same functions for TypeScript.
export { adamw } from "./adamw";
export { runChain } from "./chain";
export { matmulNN, matmulNT, matmulTN, matmulTT, matmulWorkspaceBytes } from "./matmul";
export { reduceColumns, reduceRows, sumSquares } from "./reduce";
export { gatherRows, normalizeRows, normalizeRowsGradient, scatterRows } from "./rows";
export { softmaxRows } from "./softmax";
