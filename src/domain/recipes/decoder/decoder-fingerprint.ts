import { FINAL_NORM } from "../../models/llama/names.ts";
import { Fingerprint } from "../fingerprint.ts";
import type { DecoderJob } from "./decoder-job.ts";

/**
 * A short hash of settings, rows, the model's sizes and its last norm, to refuse the saved state of another run (not for security).
 * The last norm stands for the weights: no two trained models share it, and it need not be read twice.
 */
export async function jobFingerprint(job: DecoderJob): Promise<string> {
  const { base, rows, validationRows = [], replayRows = [], adapter, settings } = job;
  const fingerprint = new Fingerprint();
  for (const part of [settings, base.config.raw]) {
    const text = JSON.stringify(part);
    fingerprint.word(text.length).text(text);
  }
  for (const own of [rows, validationRows, replayRows]) {
    fingerprint.word(own.length);
    for (const { ids, supervised } of own) {
      fingerprint.word(ids.length);
      for (const [place, id] of ids.entries()) fingerprint.word(2 * id + (supervised[place] ? 1 : 0));
    }
  }
  fingerprint.floats((await base.weights.tensor(FINAL_NORM)).values);
  for (const { values } of adapter?.weights.values() ?? []) fingerprint.floats(values);
  return fingerprint.hash;
}
