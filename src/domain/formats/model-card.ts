// The README of an export: what it is made of in counts and hashes, how to use and check it. sentence-transformers' own card
// prints training rows; this one holds none, and its writer is never given any. trainers.md §0.3.
import { utf8 } from "./folder-reader.ts";
import type { ExportLayout } from "./parity.ts";

export interface CardFacts {
  readonly layout: ExportLayout;
  readonly name: string; // what the model is called
  readonly base: string; // the model it was trained from
  readonly recipe: string; // "full fine-tune", "LoRA, rank 16", "query adapter", …
  /** Counts and settings by name: "training questions": 668. Values are numbers or short words, never a row. */
  readonly facts: Readonly<Record<string, number | string>>;
  readonly dataSha256?: string; // of the training data
  readonly prompts?: { readonly query: string; readonly document: string };
}

const USE: Readonly<Record<ExportLayout, (facts: CardFacts) => string>> = {
  "sentence-transformers": () => `from sentence_transformers import SentenceTransformer

model = SentenceTransformer("path/of/this/folder")
queries = model.encode_query(["a question"])  # puts the query instruction before it; before 5.0: encode(..., prompt_name="query")
passages = model.encode_document(["a passage"])`,
  "query-adapter": () => `from sentence_transformers import SentenceTransformer  # 5.0 or newer

model = SentenceTransformer("path/of/this/folder")
queries = model.encode_query(["a question"])  # through the adapter
passages = model.encode_document(["a passage"])  # the base's own vectors: an index of them stays valid`,
  "cross-encoder": () => `from sentence_transformers import CrossEncoder

model = CrossEncoder("path/of/this/folder")
scores = model.predict([("a question", "a passage")])`,
  "peft-encoder": ({ base }) => `from sentence_transformers import SentenceTransformer

model = SentenceTransformer("${base}")
model.load_adapter("path/of/this/folder")`,
  "peft-cross-encoder": ({ base }) => `from peft import PeftModel
from sentence_transformers import CrossEncoder

model = CrossEncoder("${base}")
PeftModel.from_pretrained(model.model, "path/of/this/folder").merge_and_unload()`,
  onnx: () => `import { AutoModel, AutoTokenizer } from "@huggingface/transformers";

const tokenizer = await AutoTokenizer.from_pretrained("folder");
const model = await AutoModel.from_pretrained("folder", { dtype: "fp32" }); // "fp16", "q8" where those files are there
const output = await model(tokenizer(["a text"], { padding: true, truncation: true }));
// output.sentence_embedding, output.last_hidden_state or output.logits, as the graph has them`,
};

const LIBRARY: Readonly<Record<ExportLayout, string>> = {
  "sentence-transformers": "sentence-transformers",
  "query-adapter": "sentence-transformers",
  "cross-encoder": "sentence-transformers",
  "peft-encoder": "peft",
  "peft-cross-encoder": "peft",
  onnx: "transformers.js",
};

/** README.md with the front matter that the hub reads. */
export function writeModelCard(card: CardFacts): Uint8Array {
  const { layout, name, base, recipe, facts, prompts } = card;
  const rank = layout.endsWith("cross-encoder");
  const rows = Object.entries(facts).map(([key, value]) => `| ${oneLine(key)} | ${oneLine(String(value))} |`);
  if (card.dataSha256 !== undefined) rows.push(`| training data (SHA-256) | ${card.dataSha256} |`);
  for (const side of ["query", "document"] as const) {
    if (prompts?.[side]) rows.push(`| ${side} instruction | ${JSON.stringify(prompts[side])} |`);
  }
  const base_argument = layout.startsWith("peft") ? ` ${oneLine(base)}` : "";
  return utf8(`---
library_name: ${LIBRARY[layout]}
pipeline_tag: ${rank ? "text-ranking" : "sentence-similarity"}
base_model: ${JSON.stringify(base)}
---
# ${oneLine(name)}

${oneLine(recipe)} of ${oneLine(base)}, trained on the owner's machine with Retune. This card holds no training text.

| | |
|---|---|
${rows.join("\n")}

## Use
\`\`\`${layout === "onnx" ? "js" : "python"}
${USE[layout](card)}
\`\`\`

## Check
\`python verify.py${base_argument}\` computes the outputs of 32 fixed texts and compares them with \`retune_parity.json\`.
`);
}

function oneLine(text: string): string {
  return text.replace(/[\r\n|]+/g, " ").slice(0, 300);
}
