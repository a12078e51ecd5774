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

/** A tensor's own bytes in parts of at most 4 MB, each a view of them: nothing is copied. */
export function partsOf({ values }: CheckpointTensor): Uint8Array[] {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) }, (_, part) =>
    bytes.subarray(part * CHUNK_BYTES, (part + 1) * CHUNK_BYTES),
  );
}

/** What is kept of a tensor beside its parts; digests are made one after the other, for each copies its part. */
export async function manifestOf(name: string, tensor: CheckpointTensor): Promise<ManifestTensor> {
  const { values, shape } = tensor;
  const chunks: string[] = [];
  for (const part of partsOf(tensor)) chunks.push(await sha256(part));
  const dtype = values instanceof Float32Array ? "f32" : "u32";
  return { name, dtype, shape: [...shape], bytes: values.byteLength, chunks };
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
