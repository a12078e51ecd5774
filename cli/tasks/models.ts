import { dirname } from "node:path";
import type { CrossEncoderModel, EncoderModel } from "../../src/domain/models/encoder-model.ts";
import {
  isCrossEncoder,
  readCrossEncoderModel,
  readEncoderModel,
} from "../../src/app/encoders/own-models.ts";
import { inJob } from "../job.ts";
import { diskModelFiles } from "../ports/encoder.ts";
import { modelFolder } from "../ports/models.ts";

/** What of a job is needed to read its model. */
interface ModelJob {
  readonly file: string;
  readonly model: string;
}

/** The weights that an encoder job starts from, with the job's instruction as the prompt of questions. */
export function startEncoder(root: string, job: ModelJob, queryInstruction: string): Promise<EncoderModel> {
  return inJob(job, "model", async () => {
    const folder = await modelFolder(root, job.model, dirname(job.file));
    const model = await readEncoderModel(diskModelFiles(folder));
    return { ...model, prompts: { query: queryInstruction, document: "" } };
  });
}

/** A cross-encoder where the folder holds one, else an encoder that gets a head. */
export function startModel(root: string, job: ModelJob): Promise<EncoderModel | CrossEncoderModel> {
  return inJob(job, "model", async () => {
    const files = diskModelFiles(await modelFolder(root, job.model, dirname(job.file)));
    return (await isCrossEncoder(files)) ? readCrossEncoderModel(files) : readEncoderModel(files);
  });
}
