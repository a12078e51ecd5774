export const FEATURES: number;
export const HIDDEN: number;
export const ROWS: number;
export const SCALE: number;
export const LEARNING_RATE: number;
export const WEIGHT_DECAY: number;
export function randomNumbers(seed: number): () => number;
export function normalValues(count: number, deviation: number, seed: number): Float32Array;
export function trainingPairs(): { queries: Float32Array; documents: Float32Array };
export function linearWeights(): { weight: Float32Array };
export function twoLayerWeights(): {
  weight1: Float32Array;
  bias1: Float32Array;
  weight2: Float32Array;
  bias2: Float32Array;
};
