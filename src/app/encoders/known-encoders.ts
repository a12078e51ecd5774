import type { Workspace } from "../storage/workspace.ts";
import type { VectorSpace } from "../storage/vector-cache.ts";
import type { EncoderView } from "../studio-models.ts";
import { RetuneError } from "../../engine/errors.ts";
import { encoderHash } from "./encoder-hash.ts";

/** The model this site brings along; its hashes are pinned, so its vectors can be used before it is loaded. */
export const DEFAULT_ENCODER = {
  id: "bge-small-en-v1.5",
  name: "bge-small-en-v1.5",
  dimension: 384,
  queryInstruction: "Represent this sentence for searching relevant passages: ",
  parts: {
    model: "828e1496d7fabb79cfa4dcd84fa38625c0d3d21da474a00f08db0f559940cf35",
    tokenizer: "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
    pooling: "cls",
    precision: "fp32",
    maxTokens: 512,
  },
} as const;

/** The small encoder in the repository (scripts/nano): at hand in any case, and trained in seconds. */
export const NANO_ENCODER = {
  id: "retune-nano",
  name: "retune-nano",
  dimension: 192,
  queryInstruction: "",
  parts: {
    model: "778b72f4109d50bba93c1e7043c62241cc5948bb9187df09bfb09c6b9d40b409",
    tokenizer: "9132c9f247effb8162eff79313dd01f890ff2bb7f96805f727af4c421fae8e54",
    pooling: "mean",
    precision: "fp32", // one byte a weight in the file, float32 once it is read
    maxTokens: 512,
  },
} as const;

/** Where a model of this site lies. */
export function siteModelUrl(id: string, site: string): string {
  return new URL(`models/${id}/`, site).href;
}

export interface EncoderFacts extends Omit<EncoderView, "available"> {
  readonly hash: string;
  readonly url?: string; // of an endpoint
  readonly projectId?: string; // whose imported vectors these are
  readonly runId?: string; // of what was trained here
  readonly own?: boolean; // safetensors weights: our own encoder runs it
}

/** The models of this site, the default first. */
export async function siteEncoders(): Promise<readonly EncoderFacts[]> {
  return [await siteFacts(DEFAULT_ENCODER), { ...(await siteFacts(NANO_ENCODER)), own: true }];
}

async function siteFacts(model: typeof DEFAULT_ENCODER | typeof NANO_ENCODER): Promise<EncoderFacts> {
  const { id, name, dimension, queryInstruction, parts } = model;
  const hash = await encoderHash(parts);
  return { id, name, origin: "site", dimension, precision: parts.precision, queryInstruction, hash };
}

/** The site's models first, then what the person added. */
export async function knownEncoders(workspace: Workspace): Promise<readonly EncoderFacts[]> {
  return [...(await siteEncoders()), ...(await workspace.encoders())];
}

export async function encoderById(workspace: Workspace, id: string): Promise<EncoderFacts> {
  const found = (await knownEncoders(workspace)).find((encoder) => encoder.id === id);
  if (found) return found;
  throw new RetuneError(
    "model-missing",
    `The model ${id} of this project is not here. Choose one under Models.`,
  );
}

/** Imported vectors come with one instruction, whatever it was; an encoder's depend on its very characters. */
export function spaceOf(encoder: EncoderFacts, instruction: string): VectorSpace {
  const imported = encoder.origin === "imported-vectors";
  return {
    encoderHash: encoder.hash,
    instruction: imported && instruction !== "" ? "imported" : instruction,
  };
}
