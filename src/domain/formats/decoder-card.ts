// The README of a decoder's export: what it is made of in counts and hashes, how to use it. It holds no training row, and its writer is
// never given any.
import { Sha256 } from "../data/sha256.ts";
import type { DecoderFiles } from "../models/weights/llama-weights.ts";
import { utf8 } from "./folder-reader.ts";

export type DecoderLayout = "peft" | "merged" | "gguf-lora";

/** A figure of the held-out rows before and after. */
export interface CardMetric {
  readonly key: string;
  readonly base: number;
  readonly tuned: number;
}

export interface DecoderCardFacts {
  readonly layout: DecoderLayout;
  readonly name: string; // what the model is called
  readonly base: string; // the model it was trained from
  readonly baseSha256: string; // `weightsHash`
  readonly recipe: string; // "LoRA, rank 8, alpha 16, all linear layers"
  /** Counts and settings by name: "training rows": 668. Values are numbers or short words, never a row. */
  readonly facts: Readonly<Record<string, number | string>>;
  readonly dataSha256?: string; // of the training data
  readonly metrics?: readonly CardMetric[]; // on rows that were held out
}

const LIBRARY: Readonly<Record<DecoderLayout, string>> = {
  peft: "peft",
  merged: "transformers",
  "gguf-lora": "llama.cpp",
};

const USE: Readonly<Record<DecoderLayout, (base: string) => string>> = {
  peft: (base) => `\`\`\`python
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("${base}")
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("${base}"), "path/of/this/folder")
prompt = tokenizer.apply_chat_template([{"role": "user", "content": "a question"}], add_generation_prompt=True, return_dict=True, return_tensors="pt")
print(tokenizer.decode(model.generate(**prompt, max_new_tokens=128)[0]))
\`\`\``,
  merged: () => `\`\`\`python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("path/of/this/folder")
model = AutoModelForCausalLM.from_pretrained("path/of/this/folder")
prompt = tokenizer.apply_chat_template([{"role": "user", "content": "a question"}], add_generation_prompt=True, return_dict=True, return_tensors="pt")
print(tokenizer.decode(model.generate(**prompt, max_new_tokens=128)[0]))
\`\`\``,
  "gguf-lora": (base) => `\`\`\`sh
# ${base} as GGUF, in any precision: python convert_hf_to_gguf.py path/of/the/base
llama-cli -m base.gguf --lora adapter.gguf
\`\`\``,
};

/** README.md with the front matter that the hub reads. */
export function writeDecoderCard(card: DecoderCardFacts): Uint8Array {
  const base = oneLine(card.base);
  const rows = Object.entries(card.facts).map(
    ([key, value]) => `| ${oneLine(key)} | ${oneLine(String(value))} |`,
  );
  rows.push(`| base's weights (SHA-256, sampled) | ${card.baseSha256} |`);
  if (card.dataSha256 !== undefined) rows.push(`| training data (SHA-256) | ${card.dataSha256} |`);
  return utf8(`---
library_name: ${LIBRARY[card.layout]}
pipeline_tag: text-generation
base_model: ${JSON.stringify(card.base)}
---
# ${oneLine(card.name)}

${oneLine(card.recipe)} of ${base}, trained on the owner's machine with Retune. This card holds no training text.

| | |
|---|---|
${rows.join("\n")}
${metricsTable(card.metrics ?? [])}
## Use
${USE[card.layout](base)}
`);
}

function metricsTable(metrics: readonly CardMetric[]): string {
  if (metrics.length === 0) return "";
  const shown = (value: number): string => String(Number(value.toPrecision(4)));
  const rows = metrics.map(
    ({ key, base, tuned }) => `| ${oneLine(key)} | ${shown(base)} | ${shown(tuned)} |`,
  );
  return `
On rows that were held out:

| | base | tuned |
|---|---|---|
${rows.join("\n")}
`;
}

function oneLine(text: string): string {
  return text.replace(/[\r\n|]+/g, " ").slice(0, 300);
}

const SAMPLES = 64;
const SAMPLE_BYTES = 4096;

/**
 * SHA-256 that tells a model's weights from others without reading gigabytes: of every safetensors file in the order of names its
 * name, its size, the first 64 kB (the header's beginning) and 64 samples of 4 kB at even distances.
 */
export async function weightsHash(files: DecoderFiles): Promise<string> {
  const hash = new Sha256();
  const paths = [...files.keys()].filter((path) => path.endsWith(".safetensors")).sort();
  for (const path of paths) {
    const source = files.get(path)!;
    hash.add(utf8(`${path} ${source.size}\n`));
    hash.add(await source.read(0, Math.min(source.size, 16 * SAMPLE_BYTES)));
    for (let sample = 0; sample < SAMPLES; sample++) {
      const from = Math.floor((sample * source.size) / SAMPLES);
      hash.add(await source.read(from, Math.min(source.size, from + SAMPLE_BYTES)));
    }
  }
  return Array.from(hash.finish(), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
