// Our decoders beside transformers': logits, greedy answers, chat prompts; then a short training, and its exports for check_decoders.py.
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { openBackend } from "../../cli/ports/backend.ts";
import { writeDecoderCard, weightsHash } from "../../src/domain/formats/decoder-card.ts";
import { writeGgufLora } from "../../src/domain/formats/gguf-lora.ts";
import { mergedDecoder } from "../../src/domain/formats/merged-decoder.ts";
import { writePeftFolder } from "../../src/domain/formats/peft-folder.ts";
import { writeSafetensors } from "../../src/domain/formats/safetensors.ts";
import { openLanguageModel } from "../../src/domain/generate/open-language-model.ts";
import type { TensorData } from "../../src/domain/matrix.ts";
import type { LoraAdapter } from "../../src/domain/models/encoder-model.ts";
import type { DecoderLoraSettings, DecoderSettings } from "../../src/domain/recipes/decoder/decoder-job.ts";
import { openDecoderRun } from "../../src/domain/recipes/decoder/decoder.ts";
import type { Backend } from "../../src/engine/backend.ts";
import { everyLogit, recordedDecoders, type RecordedDecoder } from "./decoder-folders.ts";

const TOLERANCE = 1e-4;
const ADAPTERS: Readonly<Record<string, Partial<DecoderLoraSettings>>> = {
  all: { rank: 4, alpha: 8 },
  "top-rs": { rank: 3, alpha: 6, rsLora: true, targets: ["q_proj", "k_proj", "down_proj"], layers: 2 },
};

export async function main(
  [folder]: readonly string[],
  { root }: { readonly root: string },
): Promise<number> {
  const backend = await openBackend("cpu", root);
  for (const recorded of await recordedDecoders(folder!)) {
    const { name } = recorded.model;
    await check(`${name} logits`, () => baseLogits(backend, recorded));
    await check(`${name} greedy answers`, () => greedyAnswers(backend, recorded));
    for (const [kind, lora] of Object.entries(ADAPTERS)) {
      await check(`${name} exports of adapter "${kind}"`, () =>
        exported(backend, recorded, lora, join(folder!, "decoder-exports", name, kind)),
      );
    }
  }
  backend.dispose();
  return 0;
}

async function check(name: string, take: () => Promise<string>): Promise<void> {
  try {
    process.stdout.write(`ok      ${name}: ${await take()}\n`);
  } catch (error) {
    process.stdout.write(`FAILED  ${name}: ${String(error)}\n`);
  }
}

async function baseLogits(backend: Backend, { model, texts, logits }: RecordedDecoder): Promise<string> {
  const found = await everyLogit(backend, model, texts);
  const largest = Math.max(...found.map(({ values }, index) => difference(values, logits[index]!.values)));
  if (!(largest <= TOLERANCE)) throw new Error(`largest difference ${largest}, allowed ${TOLERANCE}`);
  return `largest difference ${largest.toExponential(1)}`;
}

function difference(got: Float32Array, want: Float32Array): number {
  if (got.length !== want.length) return Infinity;
  return got.reduce((most, value, at) => Math.max(most, Math.abs(value - want[at]!)), 0);
}

async function greedyAnswers(
  backend: Backend,
  { model, prompts, answers, new_tokens: maxTokens }: RecordedDecoder,
): Promise<string> {
  const asked = await openLanguageModel(backend, model);
  const found = await asked.generate(prompts, { maxTokens });
  asked.dispose();
  const { tokenizer, endOfTurn } = model.format;
  for (const [index, { text }] of found.entries()) {
    const ids = answers[index]!;
    const end = ids.findIndex((id) => endOfTurn.has(id));
    const want = tokenizer.decode(end < 0 ? ids : ids.slice(0, end), { special: false });
    if (text !== want)
      throw new Error(`prompt ${index}: ${JSON.stringify(text)}, transformers ${JSON.stringify(want)}`);
  }
  return `${found.length} prompts, ${answers.reduce((sum, ids) => sum + ids.length, 0)} tokens`;
}

/** A short training with rows of all lengths, of each step two batches added up; check_decoders.py takes the same steps with peft. */
async function trainedAdapter(
  backend: Backend,
  { model, texts }: RecordedDecoder,
  lora: Partial<DecoderLoraSettings>,
  out: string,
): Promise<{ adapter: LoraAdapter; losses: readonly number[] }> {
  const pieces = texts.slice(1).flatMap((ids) => [ids, ids.slice(0, 9), ids.slice(3, 15), ids.slice(2)]);
  const rows = pieces.map((ids, row) => ({ ids, supervised: ids.map((_, place) => place > row % 5) }));
  const [batchSize, accumulate] = [2, 2];
  const settings: DecoderSettings = {
    ...{
      seed: 1,
      lora,
      steps: 6,
      batchSize,
      accumulate,
      learningRate: 1e-2,
      warmupSteps: 2,
      weightDecay: 0.01,
    },
    order: "in-order",
    frozen: "f32",
  };
  const run = await openDecoderRun(backend, { base: model, rows, settings });
  const initial = await run.weights();
  const steps = run.steps();
  for (let next = await steps.next(); !next.done; next = await steps.next());
  const { tuned, losses } = await run.keep();
  run.dispose();
  if (tuned.kind !== "lora") throw new Error("expected an adapter");
  const said = { rows, losses, ...settings, rowsOfAStep: batchSize * accumulate };
  put(out, new Map([["training.json", new TextEncoder().encode(JSON.stringify(said))]]));
  put(out, new Map([["initial.safetensors", writeSafetensors(initial)]]));
  return { adapter: tuned.adapter, losses };
}

/** Trains a little, so that every matrix counts, and writes all exports with our own logits. */
async function exported(
  backend: Backend,
  recorded: RecordedDecoder,
  lora: Partial<DecoderLoraSettings>,
  out: string,
): Promise<string> {
  const { model, texts } = recorded;
  const { adapter, losses } = await trainedAdapter(backend, recorded, lora, out);
  const logits = await everyLogit(backend, model, texts, adapter);
  const named = logits.map((own, index): [string, TensorData] => [String(index), own]);
  put(out, new Map([["logits.safetensors", writeSafetensors(new Map(named))]]));
  const { layers } = model.config;
  put(join(out, "peft"), writePeftFolder(adapter, { base: model.name, task: "decoder", layers }));
  put(join(out, "peft"), new Map([["README.md", await cardOf(model, adapter)]]));
  put(out, new Map([["adapter.gguf", writeGgufLora(adapter, model.config, { name: model.name })]]));
  for (const precision of ["f32", "f16"] as const) {
    const folder = join(out, `merged-${precision}`);
    mkdirSync(folder, { recursive: true });
    for await (const { path, bytes } of mergedDecoder(model, { kind: "lora", adapter }, precision)) {
      appendFileSync(join(folder, path), bytes);
    }
  }
  return `losses ${losses[0]!.toFixed(3)} … ${losses.at(-1)!.toFixed(3)}`;
}

async function cardOf({ name, files }: RecordedDecoder["model"], { rank }: LoraAdapter): Promise<Uint8Array> {
  const facts = {
    layout: "peft",
    name: "test",
    base: name,
    recipe: `LoRA, rank ${rank}`,
    facts: {},
  } as const;
  return writeDecoderCard({ ...facts, baseSha256: await weightsHash(files) });
}

function put(folder: string, files: ReadonlyMap<string, Uint8Array>): void {
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
}
