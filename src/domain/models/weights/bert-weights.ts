import { RetuneError } from "../../../engine/errors.ts";
import type { FolderFiles } from "../../formats/adapter-folder.ts";
import { initializerValues, readOnnxGraph, type OnnxGraph } from "../../formats/onnx-initializers.ts";
import { parseJson, plainJson } from "../../formats/json.ts";
import type { TensorData } from "../../matrix.ts";
import { decodeText } from "../../text/decode.ts";
import { bertConfigOf, type BertConfig } from "../bert/config.ts";
import { CLASSIFIER, encoderShapes, POOLER } from "../bert/names.ts";
import type { NamedWeights } from "../encoder-model.ts";
import { readInt8Weights } from "./int8.ts";
import { bertName, namedInitializers, transposedValues } from "./onnx-names.ts";

/** Where a model folder may hold its weights, best first; f32 safetensors are exact, an fp32 ONNX file is as exact. */
export const WEIGHT_FILES = ["model.safetensors", "onnx/model.onnx", "model.onnx"] as const;

/** A BERT read from a folder. */
export interface BertFolder {
  readonly config: BertConfig;
  /** Encoder tensors in the order of `encoderShapes`, then pooler and classifier where the file has them. */
  readonly weights: NamedWeights;
  readonly source: (typeof WEIGHT_FILES)[number];
}

/**
 * Config and weights of a model folder, by relative path: config.json and one of `WEIGHT_FILES`. Throws "model-missing"
 * where a file lacks, "unsupported" for another architecture than BERT, E_MISMATCH for a tensor that is missing or
 * misshapen, and the errors of the formats, each with the file.
 */
export function bertWeightsFrom(files: FolderFiles, folder?: string): BertFolder {
  const shown = (path: string): string => (folder === undefined ? path : `${folder}/${path}`);
  const config = configFrom(files, shown);
  const source = WEIGHT_FILES.find((path) => files.has(path));
  if (!source) throw missingWeights(files, shown);
  const bytes = files.get(source)!;
  const found =
    source === "model.safetensors"
      ? fromSafetensors(bytes, shown(source))
      : fromOnnx(readOnnxGraph(bytes, shown(source)));
  return { config, weights: completeWeights(config, found, shown(source)), source };
}

function configFrom(files: FolderFiles, shown: (path: string) => string): BertConfig {
  const file = shown("config.json");
  const bytes = files.get("config.json");
  if (!bytes) {
    const text = `${file} is missing: it says which model the weights belong to. Add it to the folder.`;
    throw new RetuneError("model-missing", text, { file });
  }
  const { root } = parseJson(decodeText(bytes, file).text, file);
  if (root.kind !== "object") throw new RetuneError("E_JSON", `${file} holds no object.`, { file });
  return bertConfigOf(plainJson(root) as Record<string, unknown>, file);
}

function missingWeights(files: FolderFiles, shown: (path: string) => string): RetuneError {
  const names = [...files.keys()];
  const pickle = names.find((name) => /\.bin$|\.pt$/.test(name));
  const sharded = names.find((name) => name.endsWith(".safetensors.index.json"));
  const others = names.slice(0, 8).join(", ") || "nothing";
  const why = sharded
    ? `${shown(sharded)} names weights in several files; save the model as one model.safetensors`
    : pickle
      ? `${shown(pickle)} is a pickle; save the model again with transformers (it writes model.safetensors)`
      : `expected ${WEIGHT_FILES.join(" or ")}, the folder has ${others}`;
  const file = shown(WEIGHT_FILES[0]);
  return new RetuneError("model-missing", `The weights of the model are missing: ${why}.`, { file });
}

function fromSafetensors(bytes: Uint8Array, file: string): NamedWeights {
  const found = new Map<string, TensorData>();
  for (const [name, tensor] of readInt8Weights(bytes, file)) {
    const known = bertName(name);
    if (known !== undefined) found.set(known, tensor);
  }
  return found;
}

/** Tensors of a BERT in an ONNX file, by the names of names.ts, linear weights as [out, in]. */
export function fromOnnx(graph: OnnxGraph): NamedWeights {
  const found = new Map<string, TensorData>();
  for (const [name, { initializer, transposed }] of namedInitializers(graph)) {
    if (!/\.(weight|bias)$/.test(name)) continue; // "weight_quantized", "weight_scale": not what trains
    const stored = initializerValues(graph, initializer);
    if (!transposed) {
      found.set(name, stored);
      continue;
    }
    const [rows, columns] = [stored.shape[0]!, stored.shape[1]!];
    found.set(name, { shape: [columns, rows], values: transposedValues(stored.values, rows, columns) });
  }
  return found;
}

/** What the config asks for, checked, in its order; then the head's tensors as they are. */
function completeWeights(config: BertConfig, found: NamedWeights, file: string): NamedWeights {
  const weights = new Map<string, TensorData>();
  for (const [name, shape] of encoderShapes(config)) {
    const tensor = found.get(name);
    if (tensor?.shape.join() === shape.join()) weights.set(name, tensor);
    else throw misfit(name, shape, tensor, file);
  }
  for (const layer of [POOLER, CLASSIFIER]) {
    for (const name of [`${layer}.weight`, `${layer}.bias`]) {
      const tensor = found.get(name);
      if (tensor) weights.set(name, tensor);
    }
  }
  return weights;
}

function misfit(
  name: string,
  shape: readonly number[],
  tensor: TensorData | undefined,
  file: string,
): RetuneError {
  const wanted = `config.json asks for [${shape.join(", ")}]`;
  const text = tensor
    ? `${file}: tensor "${name}" is [${tensor.shape.join(", ")}], ${wanted}; are both files of one model?`
    : `${file}: tensor "${name}" is missing, ${wanted}; an fp32, fp16 or bf16 BERT has it (int8 files do not)`;
  return new RetuneError("E_MISMATCH", text, { file });
}
