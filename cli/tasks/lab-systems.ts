import { dirname } from "node:path";
import type { ChatFormat } from "../../src/domain/chat/chat-format.ts";
import { validateChats } from "../../src/domain/chat/chat-validation.ts";
import { trainingEstimate, trainingPrice } from "../../src/domain/chat/training-estimate.ts";
import type { LanguageModel } from "../../src/domain/generate/language-model.ts";
import { openLanguageModel } from "../../src/domain/generate/open-language-model.ts";
import { codeTask } from "../../src/domain/lab/code/code-task.ts";
import { distilTask } from "../../src/domain/lab/distil/distil.ts";
import type { DistilExample } from "../../src/domain/lab/distil/distil-example.ts";
import { labTask } from "../../src/domain/lab/registry.ts";
import { textToSql } from "../../src/domain/lab/sql/text-to-sql.ts";
import { styleTaskWith } from "../../src/domain/lab/style/style-task.ts";
import type { Encoder } from "../../src/domain/ports.ts";
import { inJob } from "../job.ts";
import type { LabJob } from "../job-lab.ts";
import { openBackend } from "../ports/backend.ts";
import { openDiskDecoder } from "../ports/decoder.ts";
import { openEncoder } from "../ports/encoder.ts";
import { readText } from "../ports/files.ts";
import type { LabData } from "../run/lab-data.ts";
import { memorising } from "./lab-memorise.ts";
import { retrievalTuning } from "./lab-radit.ts";
import { acting } from "./lab-react.ts";
import { plainSystem, type LabSystem } from "./lab-system.ts";
import { judging, selecting } from "./lab-verdicts.ts";

export async function labSystem(job: LabJob, root: string): Promise<LabSystem> {
  if (job.task === "sft") return distillation(job, root);
  if (job.task === "code" && job.grammar !== undefined) return grammarCode(job.grammar);
  if (job.task === "text-to-sql") return plainSystem(textToSql(job.template));
  if (job.task === "memorise") return memorising(job, root);
  if (job.task === "ra-dit") return retrievalTuning(job, root);
  if (job.task === "judge") return judging();
  if (job.task === "react") return acting(job);
  if (job.task === "style") return styled(job, root);
  if (job.task === "llm-selector") return selecting(job.seed);
  return plainSystem(labTask(job.task));
}

async function distillation(job: LabJob, root: string): Promise<LabSystem> {
  const encoder = await encoderOf(job, root);
  const judge = job.judge === undefined ? undefined : await openJudge(job, root, job.judge);
  const ground = { ...(encoder ? { encoder } : {}), ...(judge ? { judge: judge.model } : {}) };
  return {
    ...plainSystem(distilTask(ground)),
    estimate: (data, format) => chatEstimate(job, data, format),
    async close() {
      judge?.close();
      await encoder?.close();
    },
  };
}

/** A model that says whether a context supports a statement, on a backend of its own. */
async function openJudge(
  job: LabJob,
  root: string,
  name: string,
): Promise<{ readonly model: LanguageModel; close(): void }> {
  const folder = await inJob(job, "judge", () => openDiskDecoder(root, name, dirname(job.file)));
  const backend = await openBackend(job.backend ?? "cpu", root, job.threads);
  const model = await openLanguageModel(backend, folder);
  return {
    model,
    close() {
      model.dispose();
      backend.dispose();
    },
  };
}

async function styled(job: LabJob, root: string): Promise<LabSystem> {
  const encoder = await encoderOf(job, root);
  return { ...plainSystem(styleTaskWith(encoder)), close: async () => encoder?.close() };
}

async function encoderOf(job: LabJob, root: string): Promise<Encoder | undefined> {
  const { encoder } = job;
  if (encoder === undefined) return undefined;
  return inJob(job, "encoder", () => openEncoder(root, encoder, dirname(job.file)));
}

/** Code in a language of one grammar, which the job names beside its rows. */
async function grammarCode(file: string): Promise<LabSystem> {
  return plainSystem(codeTask({ kind: "grammar", grammar: await readText(file, "grammar") }));
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
