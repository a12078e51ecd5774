// An adapter as files: LlamaIndex's folder (config.json + pytorch_model.bin) and one safetensors file.
import { RetuneError } from "../../engine/errors.ts";
import { opening, placeIn } from "../data/import-report.ts";
import type { Weights } from "../matrix.ts";
import type { AdapterConfig } from "../models/adapter-config.ts";
import { parameterShapes } from "../models/adapter-weights.ts";
import { decodeText } from "../text/decode.ts";
import { readAdapterConfig, writeAdapterConfig } from "./adapter-config-json.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import { readTorchZip } from "./torch-zip.ts";
import { writeTorchZip } from "./torch-zip-writer.ts";

export interface StoredAdapter {
  readonly config: AdapterConfig;
  readonly weights: Weights; // in the order of the state dict
}

export type FolderFiles = ReadonlyMap<string, Uint8Array>; // file name → content

const CONFIG = "config.json";
const TORCH = "pytorch_model.bin";
const SAFETENSORS = ["adapter.safetensors", "model.safetensors"];

/** config.json and pytorch_model.bin as LlamaIndex's adapter.save lays them out. */
export function writeAdapterFolder({ config, weights }: StoredAdapter): FolderFiles {
  const ordered = fitted(config, weights, undefined);
  return new Map([
    [CONFIG, new TextEncoder().encode(writeAdapterConfig(config))],
    [TORCH, writeTorchZip(ordered)],
  ]);
}

/**
 * Reads a folder of LlamaIndex's or ours; weights may also be adapter.safetensors or model.safetensors. Errors: those of
 * the readers; E_FIELD when a file is missing; E_MISMATCH naming up to five tensors that do not fit the config.
 */
export function readAdapterFolder(files: FolderFiles, folder?: string): StoredAdapter {
  const path = (name: string) => (folder === undefined ? name : `${folder}/${name}`);
  const config = readAdapterConfig(
    decodeText(file(files, [CONFIG], folder)[1], path(CONFIG)).text,
    path(CONFIG),
  );
  const [name, bytes] = file(files, [TORCH, ...SAFETENSORS], folder);
  const weights =
    name === TORCH ? readTorchZip(bytes, path(name)) : readSafetensors(bytes, path(name)).tensors;
  return { config, weights: fitted(config, weights, path(name)) };
}

/** One file that knows its own shape: metadata {"format": "pt", "retune": config.json, …notes}. */
export function writeAdapterSafetensors(
  { config, weights }: StoredAdapter,
  notes: ReadonlyMap<string, string> = new Map(),
): Uint8Array {
  const metadata = new Map([["format", "pt"], ["retune", writeAdapterConfig(config)], ...notes]);
  return writeSafetensors(fitted(config, weights, undefined), metadata);
}

/** The adapter and every other metadata entry. E_MISMATCH where the metadata does not describe one. */
export function readAdapterSafetensors(
  bytes: Uint8Array,
  name?: string,
): StoredAdapter & { readonly notes: ReadonlyMap<string, string> } {
  const { tensors, metadata } = readSafetensors(bytes, name);
  const text = metadata.get("retune");
  if (text === undefined) {
    const message = `${opening(name)}its metadata has no "retune" entry; import the folder with its config.json instead`;
    throw new RetuneError("E_MISMATCH", message, placeIn(name));
  }
  const config = readAdapterConfig(text, name);
  const notes = new Map([...metadata].filter(([key]) => key !== "format" && key !== "retune"));
  return { config, weights: fitted(config, tensors, name), notes };
}

/** Throws "corrupt" unless reading gives back exactly what was written: bit-equal tensors, same order, same config. */
export function compareAdapters(written: StoredAdapter, read: StoredAdapter, name: string): void {
  const expected = fitted(written.config, written.weights, name);
  const same =
    writeAdapterConfig(written.config) === writeAdapterConfig(read.config) &&
    [...expected.keys()].join("\n") === [...read.weights.keys()].join("\n");
  if (!same)
    throw new RetuneError(
      "corrupt",
      `${name}: read back another configuration than was written; export again`,
    );
  for (const [tensor, { values }] of expected) {
    const back = read.weights.get(tensor)!.values;
    const index = values.findIndex((value, at) => !Object.is(value, back[at]));
    if (index < 0) continue;
    const numbers = `wrote ${values[index]!}, read ${back[index]!}`;
    throw new RetuneError("corrupt", `${name}: ${tensor}[${index}]: ${numbers}; export again`);
  }
}

function file(
  files: FolderFiles,
  names: readonly string[],
  folder: string | undefined,
): [string, Uint8Array] {
  for (const name of names) {
    const bytes = files.get(name);
    if (bytes) return [name, bytes];
  }
  const found = [...files.keys()].slice(0, 8).join(", ") || "nothing";
  const message = `${opening(folder)}${names.join(" or ")} is missing in the folder; it has ${found}`;
  throw new RetuneError("E_FIELD", message, placeIn(folder));
}

/** The tensors in state-dict order; E_MISMATCH unless names and shapes are exactly the config's. */
function fitted(config: AdapterConfig, weights: Weights, name: string | undefined): Weights {
  const shapes = parameterShapes(config);
  const shown = (shape: readonly number[] | undefined) => (shape ? `[${shape.join(", ")}]` : "missing");
  const problems = [...shapes]
    .filter(([tensor, shape]) => shown(weights.get(tensor)?.shape) !== shown(shape))
    .map(([tensor, shape]) => `${tensor} should be ${shown(shape)}, is ${shown(weights.get(tensor)?.shape)}`);
  for (const [tensor, { shape }] of weights) {
    if (!shapes.has(tensor))
      problems.push(`${JSON.stringify(tensor.slice(0, 80))} ${shown(shape)} belongs to no layer`);
  }
  if (problems.length > 0) {
    const more = problems.length > 5 ? ` and ${problems.length - 5} more` : "";
    const message = `${opening(name)}the tensors do not fit the configuration: ${problems.slice(0, 5).join("; ")}${more}`;
    throw new RetuneError("E_MISMATCH", message, placeIn(name));
  }
  return new Map([...shapes.keys()].map((tensor) => [tensor, weights.get(tensor)!]));
}
