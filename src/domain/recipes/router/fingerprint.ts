import type { RouterJob } from "./router-job.ts";

/** A short hash of settings, data, vectors and weights, to refuse the saved state of another run (not for security). */
export function fingerprintOfRouter({ settings, dataset, vectors, model }: RouterJob): string {
  let [a, b] = [0x9e3779b9, 0x85ebca6b];
  const take = (word: number): void => {
    a = Math.imul(a ^ word, 0x21f0aaad);
    a ^= a >>> 15;
    b = Math.imul(b + word, 0x735a2d97) ^ (b >>> 13);
  };
  const arrays = [
    ...(vectors ? [vectors.queries.values, vectors.choices.values] : []),
    ...(model ? Array.from(model.weights.values(), ({ values }) => values) : []),
  ];
  for (const values of arrays) {
    for (const word of new Uint32Array(values.buffer, values.byteOffset, values.length)) take(word);
  }
  const text = JSON.stringify([settings, dataset.choices, dataset.examples]);
  for (let index = 0; index < text.length; index++) take(text.charCodeAt(index));
  return [a, b].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}
