import { Tokenizer } from "@huggingface/tokenizers";
import type { InferenceSession, Tensor } from "onnxruntime-web";
import type { Matrix } from "../../domain/matrix.ts";
import type { Encoder, EncoderIdentity, RunControl } from "../../domain/ports.ts";
import { RetuneError } from "../../engine/errors.ts";
import { sha256 } from "../../domain/data/hash.ts";
import { batchesByLength } from "./batches.ts";
import type { Batch } from "./batches.ts";
import { MODEL_FILE, encoderHash } from "./encoder-hash.ts";
import type { Precision } from "./encoder-hash.ts";
import { readEncoderSettings } from "./encoder-settings.ts";
import type { EncoderSettings } from "./encoder-settings.ts";
import { parseSettings, readSettings, requiredFile } from "./model-files.ts";
import type { ModelFiles } from "./model-files.ts";
import { loadRuntime } from "./onnx-runtime.ts";
import type { Runtime, RuntimeOptions } from "./onnx-runtime.ts";
import { pool } from "./pooling.ts";

export interface OnnxEncoderOptions extends RuntimeOptions {
  readonly precision?: Precision; // int8 is run one text at a time: its output depends on the batch
  readonly batchTokens?: number;
}

const BATCH_TOKENS = 1024; // more is slower: activations no longer fit the cache

/** Any ONNX embedding model in a folder as Hugging Face lays it out, run by onnxruntime-web. */
export class OnnxEncoder implements Encoder {
  readonly identity: EncoderIdentity;
  private readonly runtime: Runtime;
  private readonly session: InferenceSession;
  private readonly tokenizer: Tokenizer;
  private readonly settings: EncoderSettings;
  private readonly batchTokens: number;

  private constructor(parts: OpenedModel) {
    this.identity = parts.identity;
    this.runtime = parts.runtime;
    this.session = parts.session;
    this.tokenizer = parts.tokenizer;
    this.settings = parts.settings;
    this.batchTokens = parts.batchTokens;
  }

  /** Loads model and tokenizer; "model-missing", E_ONNX or E_TOKENIZER name what is wrong with the folder. */
  static async open(files: ModelFiles, options: OnnxEncoderOptions): Promise<OnnxEncoder> {
    return new OnnxEncoder(await openModel(files, options));
  }

  /** Tokens of a text as the model sees it, its two special ones included, before the cut. */
  countTokens(text: string): number {
    return this.tokenizer.encode(text).ids.length;
  }

  async encode(texts: readonly string[], control: RunControl = {}): Promise<Matrix> {
    const { dimension, precision } = this.identity;
    const tokens = texts.map((text) => this.tokens(text));
    const lengths = tokens.map((ids) => ids.length);
    const total = lengths.reduce((sum, length) => sum + length, 0);
    const values = new Float32Array(texts.length * dimension);
    let [done, finished] = [0, 0];
    for (const batch of batchesByLength(lengths, this.batchTokens, precision === "int8" ? 1 : Infinity)) {
      stopIfCancelled(control.signal);
      const vectors = await this.run(batch, tokens);
      for (const [position, row] of batch.rows.entries()) {
        const own = vectors.subarray(position * dimension, (position + 1) * dimension);
        values.set(own, row * dimension);
        done += lengths[row]!;
      }
      finished += batch.rows.length;
      control.onProgress?.({ done, total, label: `${finished} of ${texts.length} texts` });
      await nextTask(); // wasm holds the thread: let a cancel come in
    }
    return { rows: texts.length, columns: dimension, values };
  }

  async close(): Promise<void> {
    await this.session.release();
  }

  /** Token ids, cut to the model's length with the last special token kept. */
  private tokens(text: string): readonly number[] {
    const { ids } = this.tokenizer.encode(text);
    const { maxTokens } = this.settings;
    return ids.length <= maxTokens ? ids : [...ids.slice(0, maxTokens - 1), ids.at(-1)!];
  }

  private async run(batch: Batch, tokens: readonly (readonly number[])[]): Promise<Float32Array> {
    const { rows, length } = batch;
    const ids = new BigInt64Array(rows.length * length);
    const mask = new BigInt64Array(rows.length * length);
    for (const [position, row] of rows.entries()) {
      for (const [index, id] of tokens[row]!.entries()) {
        ids[position * length + index] = BigInt(id);
        mask[position * length + index] = 1n;
      }
    }
    const tensor = (data: BigInt64Array): Tensor =>
      new this.runtime.Tensor("int64", data, [rows.length, length]);
    const known: Record<string, () => Tensor> = {
      input_ids: () => tensor(ids),
      attention_mask: () => tensor(mask),
      token_type_ids: () => tensor(new BigInt64Array(ids.length)),
    };
    const feeds = Object.fromEntries(this.session.inputNames.map((name) => [name, known[name]!()]));
    const outputs = await this.session.run(feeds);
    const output = outputs[outputName(this.session)!]!;
    const counts = rows.map((row) => tokens[row]!.length);
    const pooled = await this.pooled(output, counts, length);
    for (const each of Object.values(outputs)) each.dispose();
    return pooled;
  }

  private async pooled(output: Tensor, counts: readonly number[], length: number): Promise<Float32Array> {
    const data = (await output.getData()) as Float32Array;
    const { dimension } = this.identity;
    const sentence = output.dims.length === 2; // the model pools by itself
    return pool(data, counts, sentence ? 1 : length, dimension, sentence ? "cls" : this.settings.pooling);
  }
}

interface OpenedModel {
  readonly identity: EncoderIdentity;
  readonly runtime: Runtime;
  readonly session: InferenceSession;
  readonly tokenizer: Tokenizer;
  readonly settings: EncoderSettings;
  readonly batchTokens: number;
}

async function openModel(files: ModelFiles, options: OnnxEncoderOptions): Promise<OpenedModel> {
  const precision = options.precision ?? "fp32";
  const settings = await readEncoderSettings(files);
  const tokenizerBytes = await requiredFile(files, "tokenizer.json");
  const tokenizer = await openTokenizer(files, tokenizerBytes);
  const model = await requiredFile(files, MODEL_FILE[precision]);
  const hashes = { model: await sha256(model), tokenizer: await sha256(tokenizerBytes) };
  const runtime = await loadRuntime(options);
  const session = await openSession(runtime, model, MODEL_FILE[precision], options);
  const identity: EncoderIdentity = {
    name: files.name,
    hash: await encoderHash({
      ...hashes,
      pooling: settings.pooling,
      precision,
      maxTokens: settings.maxTokens,
    }),
    dimension: await dimensionOf(runtime, session),
    maxTokens: settings.maxTokens,
    precision,
    queryInstruction: settings.queryInstruction,
  };
  const batchTokens = options.batchTokens ?? BATCH_TOKENS;
  return { identity, runtime, session, tokenizer, settings, batchTokens };
}

async function openTokenizer(files: ModelFiles, bytes: Uint8Array): Promise<Tokenizer> {
  const settings = await readSettings(files, "tokenizer_config.json");
  const tokenizer = parseSettings(bytes, "tokenizer.json");
  try {
    return new Tokenizer(tokenizer, settings);
  } catch (error) {
    const text = `${files.name}: tokenizer.json cannot be used: ${String(error)}`;
    throw new RetuneError("E_TOKENIZER", text, { file: "tokenizer.json" }, { cause: error });
  }
}

async function openSession(
  runtime: Runtime,
  model: Uint8Array,
  path: string,
  options: OnnxEncoderOptions,
): Promise<InferenceSession> {
  const start = new TextDecoder().decode(model.subarray(0, 40)).trimStart();
  if (start.startsWith("version https://git-lfs") || start.startsWith("<")) {
    const text = `${path} is a pointer or a web page, not the model itself. Download the file of about 100 MB.`;
    throw new RetuneError("E_ONNX", text, { file: path });
  }
  let session: InferenceSession;
  try {
    const executionProviders = [options.device];
    session = await runtime.InferenceSession.create(model, {
      executionProviders,
      graphOptimizationLevel: "all",
    });
  } catch (error) {
    const text = `${path} cannot be run: ${String(error)}`;
    throw new RetuneError("E_ONNX", text, { file: path }, { cause: error });
  }
  const inputs = ["input_ids", "attention_mask", "token_type_ids"];
  const strange = session.inputNames.filter((name) => !inputs.includes(name));
  if (strange.length > 0 || outputName(session) === undefined) {
    const text = `${path} is no text encoder: inputs ${session.inputNames.join(", ")}; outputs ${session.outputNames.join(", ")}.`;
    throw new RetuneError("E_ONNX", text, { file: path });
  }
  return session;
}

function outputName(session: InferenceSession): string | undefined {
  const wanted = ["last_hidden_state", "token_embeddings", "sentence_embedding"];
  const named = wanted.find((name) => session.outputNames.includes(name));
  return named ?? (session.outputNames.length === 1 ? session.outputNames[0] : undefined);
}

/** The width of the model's output, by running it on one token. */
async function dimensionOf(runtime: Runtime, session: InferenceSession): Promise<number> {
  const one = (value: bigint): Tensor => new runtime.Tensor("int64", new BigInt64Array([value]), [1, 1]);
  const feeds = session.inputNames.map((name) => [name, one(name === "attention_mask" ? 1n : 0n)]);
  const outputs = await session.run(Object.fromEntries(feeds) as Record<string, Tensor>);
  return outputs[outputName(session)!]!.dims.at(-1)!;
}

function stopIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new RetuneError("cancelled", "Embedding was cancelled; what was done is kept.");
}

function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
