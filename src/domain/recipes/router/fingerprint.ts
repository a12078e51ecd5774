import { Fingerprint } from "../fingerprint.ts";
import type { RouterJob } from "./router-job.ts";

/** A short hash of settings, data, vectors and weights, to refuse the saved state of another run (not for security). */
export function fingerprintOfRouter({ settings, dataset, vectors, model }: RouterJob): string {
  const fingerprint = new Fingerprint();
  if (vectors) fingerprint.floats(vectors.queries.values).floats(vectors.choices.values);
  for (const { values } of model?.weights.values() ?? []) fingerprint.floats(values);
  return fingerprint.text(JSON.stringify([settings, dataset.choices, dataset.examples])).hash;
}
