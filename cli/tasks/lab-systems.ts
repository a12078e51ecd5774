import { dirname } from "node:path";
import type { ChatFormat } from "../../src/domain/chat/chat-format.ts";
import { validateChats } from "../../src/domain/chat/chat-validation.ts";
import { trainingEstimate, trainingPrice } from "../../src/domain/chat/training-estimate.ts";
import { distilTask } from "../../src/domain/lab/distil/distil.ts";
import type { DistilExample } from "../../src/domain/lab/distil/distil-example.ts";
import { labTask } from "../../src/domain/lab/registry.ts";
import { inJob } from "../job.ts";
import type { LabJob } from "../job-lab.ts";
import { openEncoder } from "../ports/encoder.ts";
import type { LabData } from "../run/lab-data.ts";
import { memorising } from "./lab-memorise.ts";
import { retrievalTuning } from "./lab-radit.ts";
import { plainSystem, type LabSystem } from "./lab-system.ts";

export async function labSystem(job: LabJob, root: string): Promise<LabSystem> {
  if (job.task === "sft") return distillation(job, root);
  if (job.task === "memorise") return memorising(job, root);
  if (job.task === "ra-dit") return retrievalTuning(job, root);
  return plainSystem(labTask(job.task));
}

async function distillation(job: LabJob, root: string): Promise<LabSystem> {
  const { encoder: name } = job;
  const encoder =
    name === undefined
      ? undefined
      : await inJob(job, "encoder", () => openEncoder(root, name, dirname(job.file)));
  return {
    ...plainSystem(distilTask(encoder ? { encoder } : {})),
    estimate: (data, format) => chatEstimate(job, data, format),
    close: async () => encoder?.close(),
  };
}

/** LlamaIndex's validate_json on the file, and tokens and epochs by the model's own tokenizer. */
function chatEstimate(job: LabJob, { train, trainBytes }: LabData, { tokenizer }: ChatFormat): object {
  const chats = (train as readonly DistilExample[]).map(({ chat }) => chat);
  const estimate = trainingEstimate(chats, (text) => tokenizer.encode(text).length);
  const { counts } = validateChats(job.train, trainBytes, { calls: true });
  const { pricePerMillion } = job;
  const price = pricePerMillion === undefined ? null : trainingPrice(estimate, pricePerMillion);
  return { ...estimate, faults: counts, pricePerMillion: pricePerMillion ?? null, price };
}
