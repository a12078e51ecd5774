import { writeModelCard } from "../../domain/formats/model-card.ts";
import { writeParity } from "../../domain/formats/parity.ts";
import type { ExportLayout } from "../../domain/formats/parity.ts";
import { PARITY_PAIRS, PARITY_TEXTS } from "../../domain/formats/parity-texts.ts";
import { openTextEmbedder } from "../../domain/models/embed-texts.ts";
import type { CrossEncoderModel, EncoderModel } from "../../domain/models/encoder-model.ts";
import { openPairScorer } from "../../domain/models/score-pairs.ts";
import type { Backend } from "../../engine/backend.ts";
import type { ExportedFolder } from "./tuned-exports.ts";

/** What the README of an export says of how it was made; no training text. */
export interface Provenance {
  readonly base: string;
  readonly recipe: string; // "full fine-tune", "LoRA"
  readonly facts: Readonly<Record<string, number | string>>;
  readonly dataSha256: string;
}

/** An exported folder with its README, 32 texts with what the model makes of them, and the code that checks them. */
export async function withParity(
  backend: Backend,
  folder: ExportedFolder,
  model: EncoderModel | CrossEncoderModel,
  layout: ExportLayout,
  provenance: Provenance,
): Promise<ExportedFolder> {
  const outputs = "pooling" in model ? await vectorsOf(backend, model) : await logitsOf(backend, model);
  const prompts = "pooling" in model ? { prompts: model.prompts } : {};
  const card = writeModelCard({ layout, name: model.name, ...provenance, ...prompts });
  const files = new Map([...folder.files, ...writeParity(outputs, layout), ["README.md", card] as const]);
  return { files, verified: `${folder.verified}; retune_parity.json checks it elsewhere` };
}

async function vectorsOf(backend: Backend, model: EncoderModel) {
  const embedder = await openTextEmbedder(backend, model, { stored: "f32" });
  try {
    const vectors = await embedder.embed(PARITY_TEXTS);
    const { pooling, maxTokens } = model;
    return { kind: "vectors", vectors, pooling, maxTokens } as const;
  } finally {
    embedder.dispose();
  }
}

async function logitsOf(backend: Backend, model: CrossEncoderModel) {
  const scorer = await openPairScorer(backend, model, { stored: "f32" });
  try {
    const logits = await scorer.score(PARITY_PAIRS.map(([query, passage]) => [query, passage] as const));
    return { kind: "logits", logits, maxTokens: model.maxTokens } as const;
  } finally {
    scorer.dispose();
  }
}
