// The same texts through our encoder (batches sorted by length) and through onnxruntime-web as its examples use it:
// batches of 16 in the order given, padded to the longest.
import { Tokenizer } from "@huggingface/tokenizers";
import * as onnx from "onnxruntime-web/wasm";
import { servedModelFiles } from "../../src/app/encoders/model-files.ts";
import { OnnxEncoder } from "../../src/app/encoders/onnx-encoder.ts";

const MAX_TOKENS = 512;
const BATCH = 16;
const base = new URL("/model/", location.href).href;
const wasmFolder = new URL("/ort/", location.href).href;

type Work = (count: number) => Promise<number>;

interface Options {
  readonly texts: readonly string[];
}

/** The function embeds all texts n times and returns the first number of the last vector. */
export async function prepareOurs({ texts }: Options): Promise<Work> {
  const files = servedModelFiles("bge-small-en-v1.5", base);
  const encoder = await OnnxEncoder.open(files, { device: "wasm", threads: 1, wasmFolder });
  return async (count) => {
    let first = 0;
    for (let turn = 0; turn < count; turn++) {
      const { values, columns } = await encoder.encode(texts);
      first = values[(texts.length - 1) * columns]!;
    }
    return first;
  };
}

export async function preparePlain({ texts }: Options): Promise<Work> {
  onnx.env.wasm.numThreads = 1;
  onnx.env.wasm.wasmPaths = wasmFolder;
  const bytes = async (path: string): Promise<Uint8Array> =>
    new Uint8Array(await (await fetch(new URL(path, base))).arrayBuffer());
  const session = await onnx.InferenceSession.create(await bytes("onnx/model.onnx"), {
    executionProviders: ["wasm"],
  });
  const settings = JSON.parse(new TextDecoder().decode(await bytes("tokenizer.json"))) as object;
  const tokenizer = new Tokenizer(settings, {});
  return async (count) => {
    let first = 0;
    for (let turn = 0; turn < count; turn++) {
      for (let start = 0; start < texts.length; start += BATCH) {
        first = await runBatch(session, tokenizer, texts.slice(start, start + BATCH));
      }
    }
    return first;
  };
}

async function runBatch(
  session: onnx.InferenceSession,
  tokenizer: Tokenizer,
  texts: readonly string[],
): Promise<number> {
  const tokens = texts.map((text) => tokenizer.encode(text).ids.slice(0, MAX_TOKENS));
  const length = Math.max(...tokens.map((ids) => ids.length));
  const ids = new BigInt64Array(texts.length * length);
  const mask = new BigInt64Array(ids.length);
  for (const [row, own] of tokens.entries()) {
    for (const [index, id] of own.entries()) {
      ids[row * length + index] = BigInt(id);
      mask[row * length + index] = 1n;
    }
  }
  const tensor = (data: BigInt64Array): onnx.Tensor => new onnx.Tensor("int64", data, [texts.length, length]);
  const feeds = {
    input_ids: tensor(ids),
    attention_mask: tensor(mask),
    token_type_ids: tensor(new BigInt64Array(ids.length)),
  };
  const outputs = await session.run(feeds);
  const output = outputs[session.outputNames[0]!]!;
  const width = output.dims.at(-1)!;
  const data = (await output.getData()) as Float32Array;
  const start = (texts.length - 1) * length * width; // CLS of the last text
  const vector = data.subarray(start, start + width);
  return vector[0]! / Math.hypot(...vector);
}

/** How many tokens the texts have, special ones included, cut as the model cuts them. */
export async function countTokens({ texts }: Options): Promise<number> {
  const settings = (await (await fetch(new URL("tokenizer.json", base))).json()) as object;
  const tokenizer = new Tokenizer(settings, {});
  return texts.reduce((sum, text) => sum + Math.min(MAX_TOKENS, tokenizer.encode(text).ids.length), 0);
}
