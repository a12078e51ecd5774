import { readOnnxGraph } from "../../domain/formats/onnx-initializers.ts";
import { sha256 } from "../../domain/data/hash.ts";
import { bertConfigOf } from "../../domain/models/bert/config.ts";
import type { EncoderModel } from "../../domain/models/encoder-model.ts";
import { bertWeightsFrom } from "../../domain/models/weights/bert-weights.ts";
import type { EncoderIdentity } from "../../domain/ports.ts";
import type { Backend } from "../../engine/backend.ts";
import { RetuneError } from "../../engine/errors.ts";
import { MODEL_FILE, encoderHash } from "./encoder-hash.ts";
import { readEncoderSettings } from "./encoder-settings.ts";
import { readSettings, requiredFile } from "./model-files.ts";
import type { ModelFiles } from "./model-files.ts";
import { OwnEncoder } from "./own-encoder.ts";

/** What only says that our kernels cannot run a model that onnxruntime may run. */
const NOT_OURS = ["unsupported", "E_MISMATCH", "E_TOKENIZER", "E_ONNX", "E_FIELD", "E_JSON", "model-missing"];
const TOKEN_VECTORS = ["last_hidden_state", "token_embeddings"];

/**
 * An fp32 BERT in an ONNX file, run by our CPU kernels: 2.0–2.2 times the tokens per CPU-second of onnxruntime's wasm
 * (docs/benchmarks.md), its vectors equal to 3e-7. Its identity is the one OnnxEncoder gives the same files. undefined where
 * onnxruntime has to run it: another architecture, a graph that pools or is not fp32, or a backend that is not the CPU's.
 */
export async function openOnnxBert(
  files: ModelFiles,
  openBackend: () => Promise<Backend>,
): Promise<OwnEncoder | undefined> {
  try {
    bertConfigOf(await readSettings(files, "config.json"));
    const backend = await openBackend();
    if (backend.kind === "cpu") return await openOn(backend, files);
    backend.dispose();
    return undefined;
  } catch (error) {
    if (error instanceof RetuneError && NOT_OURS.includes(error.code)) return undefined;
    throw error;
  }
}

/** Takes the backend over, also where it fails. */
async function openOn(backend: Backend, files: ModelFiles): Promise<OwnEncoder> {
  let read: Awaited<ReturnType<typeof readOnnxBert>>;
  try {
    read = await readOnnxBert(files);
  } catch (error) {
    backend.dispose();
    throw error;
  }
  return OwnEncoder.open(backend, read.model, read.identity);
}

async function readOnnxBert(files: ModelFiles): Promise<{ model: EncoderModel; identity: EncoderIdentity }> {
  const path = MODEL_FILE.fp32;
  const bytes = await requiredFile(files, path);
  requirePlainGraph(bytes, path);
  const folder = new Map([
    ["config.json", await requiredFile(files, "config.json")],
    [path, bytes],
  ]);
  const { config, weights } = bertWeightsFrom(folder, files.name);
  const { pooling, maxTokens, queryInstruction } = await readEncoderSettings(files);
  const tokenizer = await requiredFile(files, "tokenizer.json");
  const tokenizerConfig = await files.read("tokenizer_config.json");
  const text = (content: Uint8Array): string => new TextDecoder().decode(content);
  const hashes = { model: await sha256(bytes), tokenizer: await sha256(tokenizer) };
  const precision = "fp32" as const;
  const { name } = files;
  return {
    model: {
      ...{ name, config, weights, pooling, maxTokens, normalize: true },
      tokenizer: {
        tokenizerJson: text(tokenizer),
        tokenizerConfigJson: tokenizerConfig ? text(tokenizerConfig) : "{}",
      },
      prompts: { query: queryInstruction, document: "" },
    },
    identity: {
      ...{ name, maxTokens, precision, queryInstruction, dimension: config.hiddenSize },
      hash: await encoderHash({ ...hashes, pooling, precision, maxTokens }),
    },
  };
}

/** The graph ends with a vector a token, which we pool as its folder says, and computes in float32. */
function requirePlainGraph(bytes: Uint8Array, path: string): void {
  const { nodes, initializers } = readOnnxGraph(bytes, path);
  const perToken = nodes.some(({ outputs }) => outputs.some((name) => TOKEN_VECTORS.includes(name)));
  const single = [...initializers.values()].every(({ type }) => type === undefined || type === "F32");
  if (perToken && single) return;
  const why = perToken ? "its weights are not float32" : `it gives no ${TOKEN_VECTORS.join(" or ")}`;
  throw new RetuneError("unsupported", `${path} is left to onnxruntime: ${why}.`, { file: path });
}
