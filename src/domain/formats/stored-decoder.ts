// A decoder's weights as they are computed with, in one safetensors file: vectors as F32 [n]; a matrix in f16, q8 or q4 as I32 [words],
// the words of src/engine/stored.ts. The metadata's "retune.stored" is JSON: {name: [type, rows, columns]} for each matrix.
// Opening a model then costs reading 8.5 or 4.5 bits a value and no arithmetic; written and read a tensor at a time.
import { RetuneError } from "../../engine/errors.ts";
import { isStored, matrixShape, type StoredType } from "../../engine/graph.ts";
import {
  BLOCK,
  isQuantised,
  scalesAt,
  StoredMatrix,
  storedStride,
  storedWords,
} from "../../engine/stored.ts";
import type { LlamaConfig } from "../models/llama/config.ts";
import { frozenTypeOf, type FrozenKind } from "../models/llama/frozen.ts";
import { llamaShapes } from "../models/llama/names.ts";
import type { DecoderFolder } from "../models/weights/decoder-folder.ts";
import { storedTensor } from "../models/weights/write-decoder.ts";
import { safetensorsHeader } from "./safetensors-header.ts";
import { openSafetensors, type ByteSource, type OpenSafetensors } from "./safetensors.ts";

/** The file's name in a folder; beside it lie config.json and the tokenizer's files, as they came. */
export const STORED_DECODER = "model.stored.safetensors";

const KEY = "retune.stored";
const TYPES: ReadonlySet<string> = new Set<StoredType>(["f16", "q8", "q4"]);

interface StoredShape {
  readonly type: StoredType;
  readonly shape: readonly number[];
}

/** A file that is made while it is written. */
export interface StreamedFile {
  readonly bytes: number;
  /** Its bytes from the first to the last, at most a tensor at a time. */
  chunks(): AsyncGenerator<Uint8Array<ArrayBuffer>>;
}

/** The weights of `folder` kept in `kind`: tables of the vocabulary in q8 where `kind` is q4, vectors in f32. */
export function storedDecoderFile(folder: DecoderFolder, kind: FrozenKind): StreamedFile {
  const shapes = [...llamaShapes(folder.config)];
  const described = shapes.map(([name, shape]) => {
    const type = frozenTypeOf(name, shape, kind);
    return isStored(type)
      ? { name, shape, type, dtype: "I32" as const, sizes: [storedWords(type, shape)] }
      : { name, shape, type, dtype: "F32" as const, sizes: shape };
  });
  const stored = described.flatMap(({ name, type, shape }) =>
    isStored(type) ? [[name, [type, ...shape]]] : [],
  );
  const metadata = new Map([[KEY, JSON.stringify(Object.fromEntries(stored))]]);
  const written = described.map(({ name, dtype, sizes }) => [name, { dtype, shape: sizes }] as const);
  const { head, dataBytes } = safetensorsHeader(new Map(written), metadata);
  return {
    bytes: head.length + dataBytes,
    async *chunks() {
      yield head;
      for (const { name, shape, type } of described) {
        const { buffer, byteOffset, byteLength } = await storedTensor(folder, name, { shape, dtype: type });
        yield new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
      }
    },
  };
}

/**
 * Opens such a file; only its header is read. Throws E_SAFETENSORS, E_FIELD where it says nothing of what is stored, E_MISMATCH for a
 * tensor that is missing or that `config` wants otherwise.
 */
export async function openStoredDecoder(
  source: ByteSource,
  config: LlamaConfig,
  file: string = STORED_DECODER,
): Promise<DecoderFolder> {
  const opened = await openSafetensors(source, file);
  const stored = storedShapes(opened, file);
  const shapes = llamaShapes(config);
  for (const [name, shape] of shapes) checkTensor(name, shape, stored.get(name), opened, file);
  const read = async (name: string, first: number, end: number): Promise<Float32Array> => {
    const found = stored.get(name);
    return found ? await storedRows(opened, name, found, first, end) : await opened.rows(name, first, end);
  };
  return {
    config,
    names: [...shapes.keys()],
    tensor: async (name) => {
      const shape = shapes.get(name)!;
      return { shape, values: await read(name, 0, matrixShape(shape).rows) };
    },
    rows: read,
    words: async (name, type) =>
      stored.get(name)?.type === type ? wordsOf(await opened.bytes(name)) : undefined,
  };
}

function storedShapes({ metadata }: OpenSafetensors, file: string): ReadonlyMap<string, StoredShape> {
  const shapes = new Map<string, StoredShape>();
  for (const [name, entry] of Object.entries(parsed(metadata.get(KEY), file))) {
    const [type, ...shape] = Array.isArray(entry) ? (entry as unknown[]) : [];
    const sizes = shape.filter((size) => Number.isSafeInteger(size) && Number(size) > 0) as number[];
    if (typeof type !== "string" || !TYPES.has(type) || sizes.length !== 2 || shape.length !== 2) {
      throw new RetuneError("E_FIELD", `${file}: ${KEY} says nothing of use about "${name}"`, { file });
    }
    shapes.set(name, { type: type as StoredType, shape: sizes });
  }
  return shapes;
}

function parsed(text: string | undefined, file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? "null");
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
  } catch {
    // told below
  }
  throw new RetuneError("E_FIELD", `${file}: its metadata lacks ${KEY}; store the model again`, { file });
}

function checkTensor(
  name: string,
  shape: readonly number[],
  stored: StoredShape | undefined,
  { shapes }: OpenSafetensors,
  file: string,
): void {
  const kept = shapes.get(name);
  const wanted = stored ? [storedWords(stored.type, stored.shape)] : shape;
  const found = stored ? stored.shape : kept;
  if (kept?.join() === wanted.join() && found?.join() === shape.join()) return;
  const got = found ? `is [${found.join(", ")}]` : "is missing";
  const text = `tensor "${name}" ${got}, config.json asks for [${shape.join(", ")}]`;
  throw new RetuneError("E_MISMATCH", `${file}: ${text}. Store the model again.`, { file });
}

/** Some rows of a stored matrix: their values and their scales lie apart. */
async function storedRows(
  opened: OpenSafetensors,
  name: string,
  { type, shape }: StoredShape,
  first: number,
  end: number,
): Promise<Float32Array> {
  const [rows, columns] = [shape[0]!, shape[1]!];
  const stride = storedStride(type, columns);
  const valueBytes = stride * { f16: 2, q8: 1, q4: 0.5 }[type];
  const part = [end - first, columns];
  const words = new Uint32Array(storedWords(type, part));
  const bytes = new Uint8Array(words.buffer);
  bytes.set(await opened.bytes(name, first * valueBytes, end * valueBytes));
  if (isQuantised(type)) {
    const scaleBytes = (stride / BLOCK) * 2;
    const from = scalesAt(type, rows, stride) * 4;
    const scales = await opened.bytes(name, from + first * scaleBytes, from + end * scaleBytes);
    bytes.set(scales, scalesAt(type, end - first, stride) * 4);
  }
  return new StoredMatrix(type, part, words).read(0, end - first);
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.slice().buffer);
}
