import { readFileSync } from "node:fs";
import { openDecoder, byteSource } from "../../../../src/domain/formats/decoder-folder.ts";
import { openLanguageModel } from "../../../../src/domain/generate/open-language-model.ts";
import { compareAnswers, type LabComparison, type LabFigure } from "../../../../src/domain/lab/compare.ts";
import type { LabExample, LabSettings, LabTask } from "../../../../src/domain/lab/lab-task.ts";
import type { DecoderModel } from "../../../../src/domain/models/decoder-model.ts";
import type { LoraAdapter } from "../../../../src/domain/models/encoder-model.ts";
import type { FrozenKind } from "../../../../src/domain/models/llama/frozen.ts";
import type { SupervisedSequence } from "../../../../src/domain/models/llama/supervision.ts";
import type { DecoderSettings } from "../../../../src/domain/recipes/decoder/decoder-job.ts";
import { decoderRows } from "../../../../src/domain/recipes/decoder/decoder-rows.ts";
import { openDecoderRun } from "../../../../src/domain/recipes/decoder/decoder.ts";
import type { Backend } from "../../../../src/engine/backend.ts";

const FOLDER = new URL("../../../../public/models/retune-nano-decoder/", import.meta.url);
const SAMPLES = new URL("../../../../public/samples/lab/", import.meta.url);
const FILES = [
  "config.json",
  "generation_config.json",
  "model.safetensors",
  "tokenizer.json",
  "tokenizer_config.json",
];
const LONGEST = 256; // tokens of a row
const ASKED_AT_ONCE = 64;

/** The bundled decoder. */
export function nanoDecoder(): Promise<DecoderModel> {
  const files = FILES.map(
    (path) => [path, byteSource(new Uint8Array(readFileSync(new URL(path, FOLDER))))] as const,
  );
  return openDecoder(new Map(files), { name: "retune-nano-decoder" });
}

/** The rows of a sample project's file, as its task reads them. */
export function sample<Example extends LabExample>(
  task: LabTask<Example>,
  file: "train" | "test" | "replay",
): readonly Example[] {
  const path = `${task.id}/${file}.jsonl`;
  return task.read(path, readFileSync(new URL(path, SAMPLES))).examples;
}

/** Rows as the decoder learns them. */
export async function rowsOf<Example extends LabExample>(
  { format, placeholders }: DecoderModel,
  task: Pick<LabTask<Example>, "conversations">,
  examples: readonly Example[],
): Promise<readonly SupervisedSequence[]> {
  const conversations = examples.flatMap((example) => task.conversations(example, { placeholders, format }));
  return (await decoderRows(format, conversations, { maxTokens: LONGEST })).rows;
}

/** Those of the prototype (llm.md §8.1): r 8, alpha 16, batches of 16, β₂ 0.99, rate 2e-3 falling to zero. */
const SETTINGS: DecoderSettings = {
  method: "lora",
  order: "shuffled",
  batchSize: 16,
  learningRate: 2e-3,
  betas: [0.9, 0.99],
  warmupSteps: 20,
  recomputation: false,
  validation: "none",
  frozen: "f32",
  seed: 0,
};

export interface Lesson<Example extends LabExample> {
  readonly train: readonly Example[];
  readonly replay?: readonly Example[];
  readonly settings: Partial<DecoderSettings>; // beside SETTINGS
}

export interface Learnt {
  readonly adapter: LoraAdapter;
  readonly losses: readonly number[];
}

/** Trains an adapter of the base. */
export async function learnt<Example extends LabExample>(
  backend: Backend,
  base: DecoderModel,
  task: Pick<LabTask<Example>, "conversations">,
  { train, replay = [], settings }: Lesson<Example>,
): Promise<Learnt> {
  const run = await openDecoderRun(backend, {
    ...{ base, rows: await rowsOf(base, task, train) },
    replayRows: replay.length > 0 ? await rowsOf(base, task, replay) : [],
    settings: { ...SETTINGS, ...settings },
  });
  const stream = run.steps();
  let result = await stream.next();
  while (!result.done) result = await stream.next();
  run.dispose();
  const { tuned, losses } = result.value;
  if (tuned.kind !== "lora") throw new Error("expected an adapter");
  return { adapter: tuned.adapter, losses };
}

/** Base and tuned model on the same held-out rows; `frozen` as the adapter was trained. */
export async function compared<Example extends LabExample>(
  backend: Backend,
  base: DecoderModel,
  { adapter }: Learnt,
  task: LabTask<Example>,
  examples: readonly Example[],
  { frozen = "f32", ...settings }: LabSettings & { readonly frozen?: FrozenKind } = {},
): Promise<LabComparison> {
  const model = await openLanguageModel(backend, { ...base, trace: { frozen }, sequences: ASKED_AT_ONCE });
  const other = await model.tuned("tuned", adapter);
  const before = await task.examine(model, examples, settings);
  const after = await task.examine(other, examples, settings);
  other.dispose();
  model.dispose();
  return compareAnswers(task, examples, before, after);
}

export function figure({ figures, task }: LabComparison, key: string): LabFigure {
  const found = figures.find((own) => own.key === key);
  if (!found)
    throw new Error(`${task}: no figure ${key}; it has ${figures.map((own) => own.key).join(", ")}`);
  return found;
}

/** The figures of a comparison in a line, for the record of a long run. */
export function told({ task, rows, figures }: LabComparison, what = ""): void {
  const parts = figures.map(({ key, base, tuned, delta }) => {
    const interval = `[${delta.low.toFixed(3)}, ${delta.high.toFixed(3)}]`;
    return `${key} ${base.toFixed(3)} → ${tuned.toFixed(3)} ${interval}`;
  });
  process.stderr.write(`${task} ${what} (${rows} rows): ${parts.join("; ")}\n`);
}
