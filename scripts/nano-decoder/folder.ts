import { createHash } from "node:crypto";
import { halvesOf } from "../../src/engine/half.ts";
import type { Weights } from "../../src/domain/matrix.ts";
import type { NanoTokenizerFiles } from "./tokenizer.ts";

export interface NanoModel {
  readonly shape: Readonly<Record<string, unknown>>; // config.json
  readonly weights: Weights;
  readonly language: NanoTokenizerFiles;
  readonly record: object; // how it was trained
}

/** The files of the model's folder, as transformers saves one: matrices in f16. */
export function modelFiles({
  shape,
  weights,
  language,
  record,
}: NanoModel): Map<string, string | Uint8Array> {
  const tensors = halfSafetensors(weights);
  const sha256 = createHash("sha256").update(tensors).digest("hex");
  const numbers = [...weights.values()].reduce((sum, { values }) => sum + values.length, 0);
  return new Map<string, string | Uint8Array>([
    ["config.json", `${JSON.stringify(shape, null, 2)}\n`],
    ["generation_config.json", `${JSON.stringify({ eos_token_id: 1, pad_token_id: 0 }, null, 2)}\n`],
    ["model.safetensors", tensors],
    ["tokenizer.json", language.tokenizerJson],
    ["tokenizer_config.json", language.tokenizerConfigJson],
    ["run.json", `${JSON.stringify({ parameters: numbers, ...record, sha256 }, null, 1)}\n`],
    ["README.md", CARD],
  ]);
}

/** Safetensors with every tensor as F16; names in order, so that equal weights give equal bytes. */
function halfSafetensors(weights: Weights): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  const names = [...weights.keys()].sort((a, b) => (a < b ? -1 : 1));
  let offset = 0;
  for (const name of names) {
    const { shape, values } = weights.get(name)!;
    header[name] = { dtype: "F16", shape, data_offsets: [offset, offset + 2 * values.length] };
    offset += 2 * values.length;
  }
  const json = JSON.stringify(header);
  const head = new TextEncoder().encode(json.padEnd(Math.ceil(json.length / 8) * 8, " "));
  const bytes = new Uint8Array(8 + head.length + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(head.length), true);
  bytes.set(head, 8);
  let at = 8 + head.length;
  for (const name of names) {
    const halves = halvesOf(weights.get(name)!.values);
    bytes.set(new Uint8Array(halves.buffer, halves.byteOffset, halves.byteLength), at);
    at += halves.byteLength;
  }
  return bytes;
}

const CARD = `---
license: mit
library_name: transformers
pipeline_tag: text-generation
---

# retune-nano-decoder

A Llama-type decoder of 0.8 million parameters (4 layers, width 128, 4 heads over 2 of keys) that Retune's own engine trained on
text that a seeded script made up: \`node scripts/nano-decoder/build.mjs\`. No text or weight of anybody else is in it.
run.json records the training.

It is there so that every system of the LLM lab can be tried, and proved in minutes on a CPU, before a real model is chosen.

## What it knows

- Simple questions about one table, as SQL: columns, one condition, all rows. Names of tables, columns and literals are replaced
  by placeholders (t0, c3, v1, x2) before it reads them, and put back into its answer (\`retune_placeholders\` in config.json).
- Looking up a fact of a small world ("The sign of the bridge is red copper.") in a passage. Among several passages it mostly takes
  the wrong one.
- Repeating texts of the kinds that the lab's systems answer with.

## What it does not prove

- That a model generalises over names: with placeholders it does so by construction. What it learns is the form of questions and
  which slot takes which name.
- Anything about English: it has some four hundred words, and every other word falls to its bytes.
- That a recipe's settings suit a real model: rates and steps of a model a thousand times as large differ.
`;
