import { dirname } from "node:path";
import type { OpenPair } from "../../src/app/jobs/lab-kept.ts";
import type { ChatFormat } from "../../src/domain/chat/chat-format.ts";
import { validateChats } from "../../src/domain/chat/chat-validation.ts";
import { trainingEstimate, trainingPrice } from "../../src/domain/chat/training-estimate.ts";
import { distilTask } from "../../src/domain/lab/distil/distil.ts";
import type { DistilExample } from "../../src/domain/lab/distil/distil-example.ts";
import type { LabTask } from "../../src/domain/lab/lab-task.ts";
import { labTask } from "../../src/domain/lab/registry.ts";
import { inJob } from "../job.ts";
import type { LabJob } from "../job-lab.ts";
import { openEncoder } from "../ports/encoder.ts";
import type { LabData } from "../run/lab-data.ts";
import type { LabArms } from "../run/lab-record.ts";

/** What a job has in hand once both models were asked. */
export interface Asked {
  readonly data: LabData;
  readonly pair: OpenPair;
  readonly arms: LabArms;
  readonly task: LabTask;
}

/** A system of the lab as a job runs it: what it judges with, and what it says beside base and tuned. */
export interface LabSystem {
  readonly task: LabTask;
  /** Rows that need something before they can be learnt: passages that a retriever brings. */
  prepared(data: LabData): Promise<LabData>;
  /** What a service that trains would count and charge. */
  estimate?(data: LabData, format: ChatFormat): object;
  /** Further figures for run.json and stdout. */
  further?(asked: Asked): Promise<{ readonly record: object; readonly summary: string }>;
  close(): Promise<void>;
}

export async function labSystem(job: LabJob, root: string): Promise<LabSystem> {
  if (job.task === "sft") return distillation(job, root);
  return plainSystem(labTask(job.task));
}

function plainSystem(task: LabTask): LabSystem {
  return { task, prepared: (data) => Promise.resolve(data), close: () => Promise.resolve() };
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
