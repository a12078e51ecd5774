import { RetuneError } from "../../engine/errors.ts";
import { sha256 } from "../../domain/data/hash.ts";
import type { ManifestRecord, ManifestTensor } from "./records.ts";

export interface CheckpointTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array | Uint32Array;
}

/** Everything a run needs to go on as if it had never stopped. */
export interface Checkpoint {
  readonly config: string; // hash of what the run was started with
  readonly device: string;
  readonly state: string; // JSON
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
}

export interface SavedCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly sequence: number;
  readonly refused: readonly RetuneError[]; // newer ones that were damaged
}

/** Where checkpoints go. The page keeps them in IndexedDB; a script may keep none. */
export interface CheckpointStore {
  /** Resolves only when the checkpoint is durable and was read back whole. */
  save(runId: string, checkpoint: Checkpoint): Promise<number>;
  latest(runId: string): Promise<SavedCheckpoint | null>;
  remove(runId: string): Promise<void>;
}

export const CHUNK_BYTES = 4 * 1024 * 1024;

export interface PreparedTensor {
  readonly manifest: ManifestTensor;
  readonly parts: readonly Uint8Array<ArrayBuffer>[];
}

/** Copies a tensor's own bytes (never the buffer behind a view) into parts of at most 4 MB, each with its digest. */
export async function prepareTensor(name: string, tensor: CheckpointTensor): Promise<PreparedTensor> {
  const { values } = tensor;
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    parts.push(bytes.slice(start, start + CHUNK_BYTES));
  }
  const manifest: ManifestTensor = {
    name,
    dtype: values instanceof Float32Array ? "f32" : "u32",
    shape: [...tensor.shape],
    bytes: bytes.length,
    chunks: await Promise.all(parts.map((part) => sha256(part))),
  };
  return { manifest, parts };
}

/** The tensor put together from its parts; throws "corrupt" naming the first part that is missing or differs. */
export async function assembleTensor(
  manifest: ManifestTensor,
  parts: readonly (Uint8Array | undefined)[],
  where: string,
): Promise<CheckpointTensor> {
  const bytes = new Uint8Array(manifest.bytes);
  let filled = 0;
  for (const [index, digest] of manifest.chunks.entries()) {
    const part = parts[index];
    const place = `${where}, part ${index + 1} of ${manifest.chunks.length} of ${manifest.name}`;
    if (!part) throw new RetuneError("corrupt", `${place} is missing.`);
    if ((await sha256(part)) !== digest) throw new RetuneError("corrupt", `${place} is damaged.`);
    bytes.set(part, filled);
    filled += part.length;
  }
  if (filled !== manifest.bytes) {
    throw new RetuneError("corrupt", `${where}: ${manifest.name} has ${filled} of ${manifest.bytes} bytes.`);
  }
  const values = manifest.dtype === "f32" ? new Float32Array(bytes.buffer) : new Uint32Array(bytes.buffer);
  return { shape: manifest.shape, values };
}

/** SHA-256 over every field of a manifest but `self`. */
export function manifestDigest(manifest: Omit<ManifestRecord, "self">): Promise<string> {
  const { runId, sequence, previous, version, config, device, state, tensors } = manifest;
  const listed = tensors.map(({ name, dtype, shape, bytes, chunks }) => [name, dtype, shape, bytes, chunks]);
  return sha256(JSON.stringify([runId, sequence, previous, version, config, device, state, listed]));
}
