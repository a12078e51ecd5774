// What a decoder learnt as the folders that others load, the same for the page and the command line: a PEFT folder or a GGUF adapter, each
// read back before it is given out, and the card that lies beside any of them. A merged model is written in parts: merged-decoder.ts.
import { RetuneError } from "../../engine/errors.ts";
import type { DecoderModel } from "../models/decoder-model.ts";
import type { LoraAdapter } from "../models/encoder-model.ts";
import { ALL_DECODER_LINEAR } from "../models/llama/lora.ts";
import { weightsHash, writeDecoderCard, type CardMetric, type DecoderLayout } from "./decoder-card.ts";
import { readGgufLora, writeGgufLora } from "./gguf-lora.ts";
import type { LearntWeights } from "./merged-decoder.ts";
import { readPeftFolder, writePeftFolder } from "./peft-folder.ts";

/** A tuned decoder and what its card says; nothing of it is a training row. */
export interface DecoderExport {
  readonly model: DecoderModel; // the base
  readonly learnt: LearntWeights;
  readonly system: string; // of the lab: "text-to-sql"
  readonly facts: Readonly<Record<string, number | string>>; // counts and settings by name
  readonly metrics: readonly CardMetric[]; // on held-out rows
  readonly dataSha256: string; // of the training data
}

export interface VerifiedFiles {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly verified: string; // how it was checked, for people
}

/** adapter_config.json, adapter_model.safetensors and README.md. Errors: those of `adapterOf`, "corrupt" as `compared` says. */
export async function peftExport(tuned: DecoderExport): Promise<VerifiedFiles> {
  const adapter = adapterOf(tuned);
  const { name, config } = tuned.model;
  const files = writePeftFolder(adapter, { base: name, task: "decoder", layers: config.layers });
  const verified = compared(adapter, readPeftFolder(files).adapter, "PEFT");
  return { files: new Map([...files, ["README.md", await exportCard(tuned, "peft")]]), verified };
}

/** adapter.gguf and README.md. Errors: those of `adapterOf` and `writeGgufLora`, "corrupt" as `compared` says. */
export async function ggufExport(tuned: DecoderExport): Promise<VerifiedFiles> {
  const adapter = adapterOf(tuned);
  const { model } = tuned;
  const bytes = writeGgufLora(adapter, model.config, { name: nameOf(tuned) });
  const verified = compared(adapter, readGgufLora(bytes, model.config), "GGUF");
  const card = await exportCard(tuned, "gguf-lora");
  return {
    files: new Map([
      ["adapter.gguf", bytes],
      ["README.md", card],
    ]),
    verified,
  };
}

/** README.md of an export in any layout. */
export async function exportCard(tuned: DecoderExport, layout: DecoderLayout): Promise<Uint8Array> {
  const { model, learnt, facts, metrics, dataSha256, system } = tuned;
  return writeDecoderCard({
    ...{ layout, name: nameOf(tuned), base: model.name, metrics, dataSha256 },
    baseSha256: await weightsHash(model.files),
    recipe: learnt.kind === "lora" ? loraText(learnt.adapter) : "Full fine-tune",
    facts: { system, ...facts },
  });
}

function nameOf({ model, system }: DecoderExport): string {
  return `${model.name}-${system}`;
}

function loraText({ rank, alpha, rsLora, targets }: LoraAdapter): string {
  const all = ALL_DECODER_LINEAR.every((end) => targets.includes(end));
  const layers = all ? "all linear layers" : targets.join(", ");
  return `${rsLora ? "rsLoRA" : "LoRA"}, rank ${rank}, alpha ${alpha}, ${layers}`;
}

/** "usage" where all weights were trained: then there is no adapter. */
function adapterOf({ learnt }: DecoderExport): LoraAdapter {
  if (learnt.kind === "lora") return learnt.adapter;
  throw new RetuneError("usage", "All weights were trained: take the whole model.");
}

/** Throws "corrupt" at the first tensor that did not come back bit for bit. */
function compared(written: LoraAdapter, read: LoraAdapter, format: string): string {
  let numbers = 0;
  for (const [name, { values }] of written.weights) {
    const back = read.weights.get(name)?.values;
    if (back?.length !== values.length || values.some((value, at) => !Object.is(value, back[at]))) {
      throw new RetuneError("corrupt", `The ${format} export reads back differently: ${name}. Export again.`);
    }
    numbers += values.length;
  }
  return `all ${numbers.toLocaleString("en")} numbers read back equal bit for bit`;
}
