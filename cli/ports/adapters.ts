import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  compareAdapters,
  readAdapterFolder,
  readAdapterSafetensors,
  writeAdapterFolder,
  writeAdapterSafetensors,
  type StoredAdapter,
} from "../../src/domain/formats/adapter-folder.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import { exists, isFolder, readBytes, writeWhole } from "./files.ts";

const FOLDER_FILES = ["config.json", "pytorch_model.bin", "adapter.safetensors", "model.safetensors"];

/** Reads an adapter: LlamaIndex's folder, a run's folder (its `llamaindex` inside), or one safetensors file. */
export async function readAdapter(path: string): Promise<StoredAdapter> {
  if (!(await isFolder(path))) return readAdapterSafetensors(await readBytes(path), path);
  const inner = join(path, "llamaindex");
  if (!(await exists(join(path, "config.json"))) && (await isFolder(inner))) return readAdapter(inner);
  const names = (await readdir(path)).filter((name) => FOLDER_FILES.includes(name));
  if (!names.includes("config.json") && names.includes("adapter.safetensors")) {
    return readAdapter(join(path, "adapter.safetensors"));
  }
  const files = await Promise.all(
    names.map(async (name) => [name, await readBytes(join(path, name))] as const),
  );
  return readAdapterFolder(new Map(files), path);
}

/** Writes config.json and pytorch_model.bin, reads them back and compares. */
export async function saveAdapterFolder(folder: string, adapter: StoredAdapter): Promise<void> {
  for (const [name, bytes] of writeAdapterFolder(adapter)) await writeWhole(join(folder, name), bytes);
  compareAdapters(adapter, await readAdapter(folder), folder);
}

/** Writes one safetensors file that knows its own shape, reads it back and compares. */
export async function saveAdapterFile(
  file: string,
  adapter: StoredAdapter,
  notes: ReadonlyMap<string, string>,
): Promise<void> {
  await writeWhole(file, writeAdapterSafetensors(adapter, notes));
  compareAdapters(adapter, readAdapterSafetensors(await readBytes(file), file), file);
}

/** Throws E_MISMATCH where an adapter was made for vectors of another size. */
export function requireFeatures(adapter: StoredAdapter, features: number, path: string): void {
  if (adapter.config.features === features) return;
  throw new RetuneError(
    "E_MISMATCH",
    `${path} was made for vectors of ${adapter.config.features} dimensions, these have ${features}; ` +
      "use the model it was trained with",
    { file: path },
  );
}
