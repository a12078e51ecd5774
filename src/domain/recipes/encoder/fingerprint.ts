import type { ResolvedSettings } from "./defaults.ts";
import type { EncoderJob } from "./encoder-job.ts";

/** A short hash of settings, texts, judgements and weights, to refuse the saved state of another run (not for security). */
export function jobFingerprint({ model, data }: EncoderJob, settings: ResolvedSettings): string {
  let [a, b] = [0x9e3779b9, 0x85ebca6b];
  const take = (word: number): void => {
    a = Math.imul(a ^ word, 0x21f0aaad);
    a ^= a >>> 15;
    b = Math.imul(b + word, 0x735a2d97) ^ (b >>> 13);
  };
  const takeText = (text: string): void => {
    take(text.length);
    for (let index = 0; index < text.length; index++) take(text.charCodeAt(index));
  };
  const { validation = null, negatives = {}, teacher = {}, anchors = [] } = data;
  for (const part of [settings, data.dataset, validation, negatives, teacher, anchors]) {
    takeText(JSON.stringify(part));
  }
  for (const part of [model.config.raw, model.pooling, model.normalize, model.prompts]) {
    takeText(JSON.stringify(part));
  }
  for (const [name, { values }] of model.weights) {
    takeText(name);
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
    const stride = Math.max(1, Math.floor(words.length / 4096)); // a sample of a large tensor tells models apart
    for (let index = 0; index < words.length; index += stride) take(words[index]!);
  }
  return [a, b].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}
