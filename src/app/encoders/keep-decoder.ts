// A decoder picked as a folder, kept in the browser's private file system as it will be computed with: its weights go from the picked
// file into one file of f16, q8 or q4 a tensor at a time (src/domain/formats/stored-decoder.ts), what is small is copied as it came.
// What was written is read back and must have the checksum of what was sent.
import { STORED_DECODER, storedDecoderFile } from "../../domain/formats/stored-decoder.ts";
import type { DecoderModel } from "../../domain/models/decoder-model.ts";
import type { FrozenKind } from "../../domain/models/llama/frozen.ts";
import type { RunControl } from "../../domain/ports.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { ModelFolders } from "./folder-store.ts";

/** How a base lies in the private file system: its files as they came, or its weights as they are computed with. */
export type KeptAs = "files" | FrozenKind;

export interface KeepControl extends RunControl {
  readonly freeBytes?: number | null; // null: not known
}

export interface KeptDecoder {
  readonly paths: readonly string[];
  readonly bytes: number;
}

const READ_BACK = 1 << 23;

/**
 * Keeps a decoder that was opened from `files` under `id`. Nothing stays where it fails or the signal fires: "corrupt" where the file
 * system gives back other bytes, "storage-full" where `freeBytes` are too few, "cancelled".
 */
export async function keepDecoder(
  folders: ModelFolders,
  id: string,
  opened: {
    readonly model: Pick<DecoderModel, "name" | "weights">;
    readonly files: ReadonlyMap<string, Blob>;
  },
  kept: KeptAs,
  control: KeepControl = {},
): Promise<KeptDecoder> {
  const { model, files } = opened;
  const small = new Map([...files].filter(([path]) => kept === "files" || !isWeights(path)));
  const stored = kept === "files" ? undefined : storedDecoderFile(model.weights, kept);
  const bytes = [...small.values()].reduce((sum, { size }) => sum + size, stored?.bytes ?? 0);
  requireSpace(model.name, bytes, control.freeBytes ?? null);
  try {
    await folders.keep(id, small);
    if (stored) await writeChecked(folders, id, model.name, stored, control);
  } catch (error) {
    await folders.remove(id).catch(() => undefined); // what failed is what is told
    throw error;
  }
  return { paths: [...small.keys(), ...(stored ? [STORED_DECODER] : [])], bytes };
}

function isWeights(path: string): boolean {
  return path.endsWith(".safetensors") || path.endsWith(".safetensors.index.json");
}

function requireSpace(name: string, bytes: number, free: number | null): void {
  if (free === null || bytes <= free) return;
  const [needed, left] = [bytes, free].map((size) => `${Math.ceil(size / 1e6)} MB`);
  const text = `${name} needs ${needed} here; the browser gives ${left} more.`;
  throw new RetuneError("storage-full", `${text} Keep it in fewer bits, or remove models and runs first.`);
}

async function writeChecked(
  folders: ModelFolders,
  id: string,
  name: string,
  file: ReturnType<typeof storedDecoderFile>,
  { signal, onProgress }: RunControl,
): Promise<void> {
  const total = 2 * file.bytes; // written, and read back
  const sent = new Checksum();
  const watched = async function* (): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for await (const chunk of file.chunks()) {
      if (signal?.aborted) throw cancelled(name);
      sent.add(chunk);
      yield chunk;
      onProgress?.({ done: sent.bytes, total, label: `Storing ${name}` });
    }
  };
  await folders.write(id, STORED_DECODER, watched());
  const blob = await folders.blob(id, STORED_DECODER);
  const found = new Checksum();
  for (let at = 0; blob && at < blob.size; at += READ_BACK) {
    if (signal?.aborted) throw cancelled(name);
    found.add(new Uint8Array(await blob.slice(at, at + READ_BACK).arrayBuffer()));
    onProgress?.({ done: sent.bytes + found.bytes, total, label: `Checking ${name}` });
  }
  if (found.bytes === sent.bytes && found.value === sent.value) return;
  const text = `${name}: ${found.bytes} of ${sent.bytes} bytes came back as they were stored`;
  throw new RetuneError("corrupt", `${text}; free space on this device and add the model again.`);
}

function cancelled(name: string): RetuneError {
  return new RetuneError("cancelled", `${name} was not kept.`);
}

/** h ← 31·h + byte modulo 2³², over everything that was added: one lost or changed piece shows, no guard against intent. */
class Checksum {
  bytes = 0;
  value = 0;

  add(chunk: Uint8Array): void {
    let value = this.value;
    for (let index = 0; index < chunk.length; index++) value = (Math.imul(value, 31) + chunk[index]!) | 0;
    this.value = value;
    this.bytes += chunk.length;
  }
}
