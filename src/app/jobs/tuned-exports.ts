import {
  readCrossEncoderFolder,
  writeCrossEncoderFolder,
} from "../../domain/formats/cross-encoder-folder.ts";
import { readPeftFolder, writePeftFolder } from "../../domain/formats/peft-folder.ts";
import {
  readSentenceTransformersFolder,
  writeSentenceTransformersFolder,
} from "../../domain/formats/sentence-transformers-folder.ts";
import { initializerValues, readOnnxGraph } from "../../domain/formats/onnx-initializers.ts";
import { ONNX_FILES, writeTransformersJsFolder } from "../../domain/formats/transformersjs-folder.ts";
import { readRouterFolder, writeRouterFolder } from "../../domain/formats/router-folder.ts";
import type { StoredRouter } from "../../domain/formats/router-folder.ts";
import type { OnnxPrecision } from "../../domain/formats/onnx/precision.ts";
import type {
  CrossEncoderModel,
  EncoderModel,
  LoraAdapter,
  NamedWeights,
} from "../../domain/models/encoder-model.ts";
import { fromOnnx } from "../../domain/models/weights/bert-weights.ts";
import { RetuneError } from "../../engine/errors.ts";

// What was trained as folders of others. Every one is read back and compared before it is handed over.

/** A folder by relative path, and in words what was compared. */
export interface ExportedFolder {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly verified: string;
}

export function sentenceTransformersFolder(model: EncoderModel): ExportedFolder {
  const files = writeSentenceTransformersFolder(model);
  const back = readSentenceTransformersFolder(files, model.name).model;
  requireSettings(model, back);
  return { files, verified: compared(model.weights, back.weights, "sentence-transformers") };
}

export function crossEncoderFolder(model: CrossEncoderModel): ExportedFolder {
  const files = writeCrossEncoderFolder(model);
  const back = readCrossEncoderFolder(files, model.name);
  if (back.activation !== model.activation) throw differs("cross-encoder", "its activation");
  return { files, verified: compared(model.weights, back.weights, "cross-encoder") };
}

export function peftFolder(
  adapter: LoraAdapter,
  base: { readonly name: string; readonly layers: number },
): ExportedFolder {
  const files = writePeftFolder(adapter, { base: base.name, layers: base.layers, task: "encoder" });
  const back = readPeftFolder(files).adapter;
  if (back.rank !== adapter.rank || back.alpha !== adapter.alpha || back.rsLora !== adapter.rsLora) {
    throw differs("peft", "rank, alpha or rsLoRA");
  }
  return { files, verified: compared(adapter.weights, back.weights, "peft") };
}

/** What routes a question, with the code that uses it. */
export function routerFolder(router: StoredRouter): ExportedFolder {
  const files = writeRouterFolder(router);
  const again = writeRouterFolder(readRouterFolder(files));
  for (const [name, bytes] of files) {
    const back = again.get(name);
    if (!back || !sameContent(name, bytes, back)) throw differs("router", name);
  }
  const verified = `${files.size} files read back and compared`;
  return { files, verified };
}

export interface OnnxExport {
  readonly precision: OnnxPrecision;
  readonly base?: Uint8Array; // the base's own ONNX file, whose graph is kept
  readonly pooled: boolean;
}

/** The ONNX file with what transformers.js wants beside it. */
export function onnxFolder(
  model: EncoderModel | CrossEncoderModel,
  { precision, base, pooled }: OnnxExport,
): ExportedFolder {
  const options = { precisions: [precision], sentenceVector: pooled, ...(base ? { base } : {}) };
  const files = writeTransformersJsFolder(model, options);
  const path = ONNX_FILES[precision];
  const bytes = files.get(path)!;
  return { files, verified: onnxVerified(bytes, path, model, precision) };
}

function onnxVerified(
  bytes: Uint8Array,
  path: string,
  model: { readonly weights: NamedWeights },
  precision: OnnxPrecision,
): string {
  const graph = readOnnxGraph(bytes, path);
  if (precision === "fp32") {
    const back = fromOnnx(graph);
    const own = new Map([...model.weights].filter(([name]) => back.has(name)));
    return compared(own, back, path);
  }
  const count = [...graph.initializers.values()].filter(
    (each) => initializerValues(graph, each).values.length > 0,
  ).length;
  return `${count} tensors read back as ${precision}`;
}

/** Throws "corrupt" at the first tensor that did not come back bit for bit. */
function compared(written: NamedWeights, read: NamedWeights, format: string): string {
  let numbers = 0;
  for (const [name, { values, shape }] of written) {
    const back = read.get(name);
    if (back?.shape.join() !== shape.join()) throw differs(format, name);
    for (let index = 0; index < values.length; index++) {
      if (!Object.is(values[index], back.values[index])) throw differs(format, name);
    }
    numbers += values.length;
  }
  return `all ${numbers.toLocaleString("en")} weights of ${written.size} tensors read back equal bit for bit`;
}

function requireSettings(model: EncoderModel, back: EncoderModel): void {
  const settings = ({ pooling, normalize, maxTokens, prompts }: EncoderModel): string =>
    JSON.stringify([pooling, normalize, maxTokens, prompts.query, prompts.document]);
  if (settings(model) === settings(back)) return;
  throw differs("sentence-transformers", "pooling, length or prompts");
}

function differs(format: string, what: string): RetuneError {
  return new RetuneError("corrupt", `The ${format} export reads back differently: ${what}. Export again.`);
}

/** Equal bytes; of JSON, equal values whatever the order of keys. */
function sameContent(name: string, one: Uint8Array, other: Uint8Array): boolean {
  if (name.endsWith(".json")) return sorted(one) === sorted(other);
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function sorted(bytes: Uint8Array): string {
  return JSON.stringify(JSON.parse(new TextDecoder().decode(bytes)), (_key, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
