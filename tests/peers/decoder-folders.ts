import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { byteSource, openDecoder } from "../../src/domain/formats/decoder-folder.ts";
import { readSafetensors } from "../../src/domain/formats/safetensors.ts";
import type { TensorData } from "../../src/domain/matrix.ts";
import type { DecoderModel } from "../../src/domain/models/decoder-model.ts";
import type { LoraAdapter } from "../../src/domain/models/encoder-model.ts";
import { decoderInputs, ROTARY, rotaryValues } from "../../src/domain/models/llama/inputs.ts";
import { llama, nextTokenLogits } from "../../src/domain/models/llama/llama.ts";
import { withDecoderLora } from "../../src/domain/models/llama/lora.ts";
import { traceLlama } from "../../src/domain/models/llama/weights.ts";
import { writeDecoder } from "../../src/domain/models/weights/write-decoder.ts";
import { lowestLayer } from "../../src/domain/recipes/decoder/decoder-defaults.ts";
import { packBatch } from "../../src/domain/text/pack.ts";
import type { Backend } from "../../src/engine/backend.ts";
import { compile } from "../../src/engine/compile.ts";

/** A folder that transformers saved, with what it computed (scripts/peers/decoder_models.py). */
export interface RecordedDecoder {
  readonly model: DecoderModel;
  readonly folder: string;
  readonly texts: readonly (readonly number[])[]; // ids
  readonly logits: readonly TensorData[]; // of each text, [tokens, vocabulary]
  readonly prompts: readonly (readonly number[])[]; // ids
  readonly answers: readonly (readonly number[])[]; // ids by greedy generation, the end of turn included
  readonly new_tokens: number; // at most, of an answer
}

/** All of them below `folder`/decoders. */
export async function recordedDecoders(folder: string): Promise<readonly RecordedDecoder[]> {
  const below = join(folder, "decoders");
  const names = readdirSync(below, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : [],
  );
  return await Promise.all(names.sort().map((name) => recordedDecoder(below, name)));
}

async function recordedDecoder(below: string, name: string): Promise<RecordedDecoder> {
  const folder = join(below, name);
  const files = readdirSync(folder).map((path) => {
    return [path, byteSource(new Uint8Array(readFileSync(join(folder, path))))] as const;
  });
  const model = await openDecoder(new Map(files), { name });
  const said = JSON.parse(readFileSync(join(below, `${name}.json`), "utf8")) as Omit<
    RecordedDecoder,
    "model" | "logits" | "folder"
  >;
  const { tensors } = readSafetensors(new Uint8Array(readFileSync(join(below, `${name}.safetensors`))));
  const logits = said.texts.map((_, index) => tensors.get(String(index))!);
  return { ...said, model, folder, logits };
}

/** Logits of every token of every text, [tokens, vocabulary] each, with an adapter beside the model where one is given. */
export async function everyLogit(
  backend: Backend,
  { config, weights }: DecoderModel,
  texts: readonly (readonly number[])[],
  adapter?: LoraAdapter,
): Promise<readonly TensorData[]> {
  const packed = packBatch(texts.map((ids) => ({ ids })));
  const positions = packed.bucket.longest;
  const executable = await compile(backend, (graph) => {
    const base = traceLlama(graph, config, () => false);
    const from = adapter ? lowestLayer(adapter) : 0;
    const traced = adapter ? withDecoderLora(graph, config, base, adapter, { from }) : base;
    const hidden = llama(config, traced, decoderInputs(graph, config, packed.bucket, positions));
    const every = graph.input("every", "u32", [packed.tokens]);
    return { outputs: { logits: nextTokenLogits(traced, hidden, every) } };
  });
  await writeDecoder(executable, weights);
  for (const [name, { values }] of adapter?.weights ?? []) executable.write(name, values);
  executable.write(ROTARY, rotaryValues(config, positions));
  const { ids, positions: places, ranges } = packed;
  const every = Uint32Array.from({ length: packed.tokens }, (_, row) => row);
  executable.run({ ids, positions: places, ranges, every });
  const found = await executable.read("logits");
  executable.dispose();
  let from = 0;
  return texts.map((own) => {
    const values = found.slice(from * config.vocabSize, (from += own.length) * config.vocabSize);
    return { shape: [own.length, config.vocabSize], values };
  });
}
