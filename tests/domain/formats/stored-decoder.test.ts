import { expect, test } from "vitest";
import { byteSource } from "../../../src/domain/formats/decoder-folder.ts";
import { STORED_DECODER, storedDecoderFile } from "../../../src/domain/formats/stored-decoder.ts";
import { writeSafetensors, type ByteSource } from "../../../src/domain/formats/safetensors.ts";
import type { TensorData } from "../../../src/domain/matrix.ts";
import { decoderInMemory } from "../../../src/domain/models/decoder-model.ts";
import { llamaConfigOf } from "../../../src/domain/models/llama/config.ts";
import { frozenTypeOf, FROZEN_KINDS, type FrozenKind } from "../../../src/domain/models/llama/frozen.ts";
import { EMBEDDINGS, FINAL_NORM, llamaShapes } from "../../../src/domain/models/llama/names.ts";
import { traceLlama } from "../../../src/domain/models/llama/weights.ts";
import { openDecoderFolder, type DecoderFolder } from "../../../src/domain/models/weights/llama-weights.ts";
import { writeDecoder } from "../../../src/domain/models/weights/write-decoder.ts";
import { openReference } from "../../../src/engine/backends/reference.ts";
import { compile } from "../../../src/engine/compile.ts";
import { elementCount, isStored } from "../../../src/engine/graph.ts";
import { decoded, stored } from "../../../src/engine/stored.ts";
import { randomValues } from "../../engine/fixtures.ts";

const RAW = {
  ...{ model_type: "qwen2", vocab_size: 23, hidden_size: 40, intermediate_size: 72, num_hidden_layers: 2 },
  ...{ num_attention_heads: 4, num_key_value_heads: 2, tie_word_embeddings: true },
};
const CONFIG = llamaConfigOf(RAW);
const TENSORS = new Map(
  [...llamaShapes(CONFIG)].map(([name, shape], i): [string, TensorData] => [
    name,
    { shape, values: randomValues(elementCount(shape), i + 1) },
  ]),
);
const BASE = decoderInMemory(CONFIG, TENSORS);
const configFile = byteSource(new TextEncoder().encode(JSON.stringify(RAW)));

async function bytesOf(kind: FrozenKind, folder: DecoderFolder = BASE): Promise<Uint8Array> {
  const file = storedDecoderFile(folder, kind);
  const bytes = new Uint8Array(file.bytes);
  let at = 0;
  for await (const chunk of file.chunks()) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  expect(at).toBe(file.bytes);
  return bytes;
}

const openStored = (source: ByteSource): Promise<DecoderFolder> =>
  openDecoderFolder(
    new Map([
      ["config.json", configFile],
      [STORED_DECODER, source],
    ]),
    "kept",
  );

test.each(FROZEN_KINDS)("a decoder kept in %s opens as what its values decode to", async (kind) => {
  const folder = await openStored(byteSource(await bytesOf(kind)));
  expect(folder.names).toEqual(BASE.names);
  for (const [name, { shape, values }] of TENSORS) {
    const type = frozenTypeOf(name, shape, kind);
    const want = isStored(type) ? decoded(type, shape, stored(type, shape, values)) : values;
    expect(await folder.tensor(name), name).toEqual({ shape, values: want });
    if (shape.length === 1) continue;
    const some = want.subarray(3 * shape[1]!, 8 * shape[1]!);
    expect(await folder.rows!(name, 3, 8), name).toEqual(some);
    if (isStored(type)) expect(await folder.words!(name, type)).toEqual(stored(type, shape, values));
    expect(await folder.words!(name, type === "q8" ? "f16" : "q8")).toBeUndefined();
  }
  expect(await bytesOf(kind, folder)).toEqual(await bytesOf(kind)); // nothing is lost by storing again
});

test("its words go onto the device as they are, whole or in parts of the vocabulary, and no tensor is read twice", async () => {
  const bytes = await bytesOf("q4");
  let read = 0;
  const source: ByteSource = {
    size: bytes.length,
    read: (from, to) => ((read += to - from), Promise.resolve(bytes.subarray(from, to))),
  };
  const outputs = [];
  for (const vocabularyRows of [23, 9]) {
    const folder = await openStored(source);
    const executable = await compile(openReference(), (graph) => {
      const traced = traceLlama(graph, CONFIG, () => false, { frozen: "q4", vocabularyRows });
      const hidden = traced.embed(graph.input("ids", "u32", [3]));
      for (const name of folder.names) if (name !== EMBEDDINGS) traced.tensor(name); // all must be there to be written
      return { outputs: { hidden, logits: traced.logits(hidden) } };
    });
    read = 0;
    await writeDecoder(executable, folder);
    expect(read).toBeLessThan(bytes.length);
    executable.run({ ids: Uint32Array.of(0, 9, 22) });
    outputs.push([await executable.read("hidden"), await executable.read("logits")]);
  }
  expect(outputs[1]).toEqual(outputs[0]);
});

test("a kept file that is cut off, of another model, or no such file is refused", async () => {
  const bytes = await bytesOf("q8");
  await expect(openStored(byteSource(bytes.subarray(0, bytes.length - 9)))).rejects.toThrow(
    "9 bytes of tensor data",
  );
  const other = new Map([...TENSORS].map(([name, { shape, values }]) => [name, { shape, values }]));
  await expect(openStored(byteSource(writeSafetensors(other)))).rejects.toThrow(
    "its metadata lacks retune.stored",
  );
  const marked = (text: string): Uint8Array => writeSafetensors(other, new Map([["retune.stored", text]]));
  await expect(openStored(byteSource(marked('{"a":["q9",1,1]}')))).rejects.toThrow(
    'nothing of use about "a"',
  );
  await expect(openStored(byteSource(marked("[")))).rejects.toMatchObject({ code: "E_FIELD" });
  other.delete(FINAL_NORM);
  await expect(openStored(byteSource(marked("{}")))).rejects.toThrow(`"${FINAL_NORM}" is missing`);
  const wider = await openDecoderFolder(
    new Map([
      ["config.json", byteSource(new TextEncoder().encode(JSON.stringify({ ...RAW, vocab_size: 24 })))],
      [STORED_DECODER, byteSource(bytes)],
    ]),
  ).catch((error: unknown) => error);
  expect(wider).toMatchObject({ code: "E_MISMATCH" });
});
