// The data of the adapter measurement, equal for every program: unit queries, and documents that share a part with
// their query. Seeded, so that first losses can be compared across programs.

/** mulberry32: numbers in [0, 1). */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** count normal values with the given deviation. */
export function normalValues(count, deviation, seed) {
  const random = randomNumbers(seed);
  return Float32Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    return radius * Math.cos(2 * Math.PI * random()) * deviation;
  });
}

function normalizeRows(values, columns) {
  for (let start = 0; start < values.length; start += columns) {
    const row = values.subarray(start, start + columns);
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    for (let index = 0; index < columns; index++) row[index] /= norm;
  }
  return values;
}

export const FEATURES = 384;
export const HIDDEN = 1024;
export const ROWS = 640; // whole batches of both sizes
export const SCALE = 20;
export const LEARNING_RATE = 2e-3;
export const WEIGHT_DECAY = 0.01;

/** queries and documents [ROWS, FEATURES]. */
export function trainingPairs() {
  const queries = normalizeRows(normalValues(ROWS * FEATURES, 1, 7), FEATURES);
  const noise = normalizeRows(normalValues(ROWS * FEATURES, 1, 8), FEATURES);
  const documents = normalizeRows(
    noise.map((value, index) => value + 0.3 * queries[index]),
    FEATURES,
  );
  return { queries, documents };
}

/** Initial weights of the linear adapter: the identity with a little noise. */
export function linearWeights() {
  const values = normalValues(FEATURES * FEATURES, 0.01, 3);
  for (let index = 0; index < FEATURES; index++) values[index * FEATURES + index] += 1;
  return { weight: values };
}

/** Initial weights of the two-layer adapter with residual: [out, in] matrices, zero biases. */
export function twoLayerWeights() {
  return {
    weight1: normalValues(HIDDEN * FEATURES, 1 / Math.sqrt(FEATURES), 3),
    bias1: new Float32Array(HIDDEN),
    weight2: normalValues(FEATURES * HIDDEN, 0.1 / Math.sqrt(HIDDEN), 4),
    bias2: new Float32Array(FEATURES),
  };
}
