import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { RetuneError } from "../../src/engine/errors.ts";
import { exists, isFolder } from "./files.ts";

export const DEFAULT_MODEL = "bge-small-en-v1.5";

export interface ModelFolder {
  readonly name: string;
  readonly folder: string;
  readonly ready: boolean;
}

/** Folders that may hold models by name: the site's, then RETUNE_MODELS. */
function modelRoots(root: string): string[] {
  const named = process.env["RETUNE_MODELS"];
  return [join(root, "public", "models"), ...(named ? [named] : [])];
}

/** Models found in the known folders; the default one is listed even where it is missing. */
export async function knownModels(root: string): Promise<readonly ModelFolder[]> {
  const found = new Map<string, ModelFolder>();
  for (const folder of modelRoots(root)) {
    const names = (await isFolder(folder)) ? await readdir(folder) : [];
    for (const name of names.sort()) {
      const path = join(folder, name);
      if (!found.has(name) && (await holdsModel(path))) found.set(name, { name, folder: path, ready: true });
    }
  }
  if (!found.has(DEFAULT_MODEL)) {
    const folder = join(root, "public", "models", DEFAULT_MODEL);
    found.set(DEFAULT_MODEL, { name: DEFAULT_MODEL, folder, ready: false });
  }
  return [...found.values()];
}

async function holdsModel(folder: string): Promise<boolean> {
  if (!(await isFolder(folder))) return false;
  const weights = await Promise.all(
    ["model.onnx", "onnx/model.onnx"].map((name) => exists(join(folder, name))),
  );
  return weights.some(Boolean) && (await exists(join(folder, "tokenizer.json")));
}

/**
 * The folder of `model`: a known name, or else a folder, relative to `beside`. Throws "model-missing" saying what was
 * looked for.
 */
export async function modelFolder(root: string, model: string, beside: string): Promise<string> {
  const known = (await knownModels(root)).find(({ name }) => name === model);
  if (known?.ready) return known.folder;
  const folder = resolve(beside, model);
  if (await holdsModel(folder)) return folder;
  const places = modelRoots(root).join(", ");
  const next = known
    ? "npm start fetches it"
    : "expected a folder with model.onnx (or onnx/model.onnx) and tokenizer.json";
  throw new RetuneError(
    "model-missing",
    `model "${model}" is neither in ${places} nor a model folder (${folder}); ${next}`,
  );
}
