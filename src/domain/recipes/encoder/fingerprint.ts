import { Fingerprint } from "../fingerprint.ts";
import type { ResolvedSettings } from "./defaults.ts";
import type { EncoderJob } from "./encoder-job.ts";

const SAMPLES = 4096; // of a tensor: enough to tell models apart

/** A short hash of settings, texts, judgements and weights, to refuse the saved state of another run (not for security). */
export function jobFingerprint({ model, data }: EncoderJob, settings: ResolvedSettings): string {
  const { validation = null, negatives = {}, teacher = {}, anchors = [] } = data;
  const { config, pooling, normalize, prompts } = model;
  const parts = [settings, data.dataset, validation, negatives, teacher, anchors];
  const fingerprint = new Fingerprint();
  for (const part of [...parts, config.raw, pooling, normalize, prompts]) {
    const text = JSON.stringify(part);
    fingerprint.word(text.length).text(text);
  }
  for (const [name, { values }] of model.weights) {
    const stride = Math.max(1, Math.floor(values.length / SAMPLES));
    fingerprint.word(name.length).text(name).floats(values, stride);
  }
  return fingerprint.hash;
}
