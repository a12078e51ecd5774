import type { Checkpoint, CheckpointTensor } from "../storage/checkpoint.ts";

// A trained model of any kind as a checkpoint: arrays become tensors by their path, maps and all else JSON.

const ARRAY = "$f32";
const MAP = "$map";

/** Packs plain data with Float32Arrays and Maps in it. */
export function packResult(value: unknown, device: string, task: string): Checkpoint {
  const tensors = new Map<string, CheckpointTensor>();
  const packed = pack(value, "", tensors);
  return { config: task, device, state: JSON.stringify(packed), tensors };
}

/** What `packResult` was given. */
export function unpackResult({ state, tensors }: Checkpoint): unknown {
  return unpack(JSON.parse(state), tensors);
}

function pack(value: unknown, path: string, tensors: Map<string, CheckpointTensor>): unknown {
  if (value instanceof Float32Array) {
    tensors.set(path, { shape: [value.length], values: value });
    return { [ARRAY]: path };
  }
  if (value instanceof Map) {
    const entries = [...(value as Map<string, unknown>)];
    return { [MAP]: entries.map(([key, entry]) => [key, pack(entry, `${path}/${key}`, tensors)]) };
  }
  if (Array.isArray(value)) return value.map((entry, index) => pack(entry, `${path}/${index}`, tensors));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, pack(entry, `${path}/${key}`, tensors)]),
  );
}

function unpack(value: unknown, tensors: ReadonlyMap<string, CheckpointTensor>): unknown {
  if (Array.isArray(value)) return value.map((entry) => unpack(entry, tensors));
  if (typeof value !== "object" || value === null) return value;
  const fields = value as Record<string, unknown>;
  if (typeof fields[ARRAY] === "string") return tensors.get(fields[ARRAY])!.values;
  if (Array.isArray(fields[MAP])) {
    const entries = fields[MAP] as [string, unknown][];
    return new Map(entries.map(([key, entry]) => [key, unpack(entry, tensors)]));
  }
  return Object.fromEntries(Object.entries(fields).map(([key, entry]) => [key, unpack(entry, tensors)]));
}
