import { sha256 } from "../../domain/data/hash.ts";
import type { Matrix } from "../../domain/matrix.ts";
import { openTextEmbedder } from "../../domain/models/embed-texts.ts";
import type { TextEmbedder } from "../../domain/models/embed-texts.ts";
import type { CrossEncoderModel, EncoderModel } from "../../domain/models/encoder-model.ts";
import type { Encoder, EncoderIdentity, RunControl } from "../../domain/ports.ts";
import type { Backend } from "../../engine/backend.ts";

/** A BERT run by our own kernels: what was trained here, and folders with safetensors weights. */
export class OwnEncoder implements Encoder {
  readonly identity: EncoderIdentity;
  private readonly backend: Backend;
  private readonly embedder: TextEmbedder;

  private constructor(identity: EncoderIdentity, backend: Backend, embedder: TextEmbedder) {
    this.identity = identity;
    this.backend = backend;
    this.embedder = embedder;
  }

  /** Takes the backend over: `close` ends it. Errors of openTextEmbedder. */
  static async open(backend: Backend, model: EncoderModel, identity?: EncoderIdentity): Promise<OwnEncoder> {
    try {
      const known = identity ?? (await identityOf(model));
      return new OwnEncoder(known, backend, await openTextEmbedder(backend, model));
    } catch (error) {
      backend.dispose();
      throw error;
    }
  }

  countTokens(text: string): number {
    return this.embedder.countTokens(text);
  }

  encode(texts: readonly string[], control?: RunControl): Promise<Matrix> {
    return this.embedder.embed(texts, control);
  }

  close(): Promise<void> {
    this.embedder.dispose();
    this.backend.dispose();
    return Promise.resolve();
  }
}

/** What identifies the vectors of a model of ours. */
export async function identityOf(model: EncoderModel): Promise<EncoderIdentity> {
  const { name, config, pooling, maxTokens, prompts } = model;
  return {
    name,
    hash: await modelHash(model, [pooling, maxTokens]),
    dimension: config.hiddenSize,
    maxTokens,
    precision: "fp32",
    queryInstruction: prompts.query,
  };
}

/**
 * SHA-256 over weights, tokenizer and `settings`: models of equal hashes give equal vectors or scores, to the third digit
 * where a device keeps weights in halves.
 */
export async function modelHash(
  { weights, tokenizer, config }: EncoderModel | CrossEncoderModel,
  settings: readonly unknown[],
): Promise<string> {
  const tensors: string[][] = [];
  for (const [name, { values }] of weights) {
    const bytes = new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength);
    tensors.push([name, await sha256(bytes)]);
  }
  const texts = [tokenizer.tokenizerJson, tokenizer.tokenizerConfigJson];
  const parts = [tensors, await Promise.all(texts.map((text) => sha256(text))), config.raw, settings];
  return sha256(JSON.stringify(["own-1", ...parts]));
}
