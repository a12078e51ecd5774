// What the CPU backend calls; src/engine/wasm/kernels.ts names the same functions for TypeScript.
export { adamw } from "./adamw";
export {
  attention, attentionGradient, attentionGradientWorkspaceBytes, attentionWorkspaceBytes,
} from "./attention";
export { cachedAttention, cachedAttentionWorkspaceBytes, storeRows } from "./cached-attention";
export { runChain } from "./chain";
export { layerNorm, layerNormGamma, layerNormGradient } from "./layer-norm";
export {
  matmulNN, matmulNT, matmulPart, matmulStoredPart, matmulTN, matmulTT, matmulWorkspaceBytes, storedWorkspaceBytes,
} from "./matmul";
export { blockedWorkspaceBytes } from "./matmul-blocked";
export { accumulate, reduceColumns, reduceRows, sumSquares } from "./reduce";
export { gatherRows, normalizeRows, normalizeRowsGradient, scatterRows } from "./rows";
export { rotary } from "./rotary";
export { copyBlock, segmentMean, segmentMeanGradient } from "./segments";
export { softmaxRows } from "./softmax";
export { gatherStored } from "./stored";
