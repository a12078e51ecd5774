import { expect, test } from "vitest";
import { writeSafetensors, type ByteSource } from "../../../../src/domain/formats/safetensors.ts";
import type { TensorData } from "../../../../src/domain/matrix.ts";
import { llamaConfigOf } from "../../../../src/domain/models/llama/config.ts";
import { EMBEDDINGS, FINAL_NORM, HEAD, llamaShapes } from "../../../../src/domain/models/llama/names.ts";
import { traceLlama } from "../../../../src/domain/models/llama/weights.ts";
import { openDecoderFolder } from "../../../../src/domain/models/weights/llama-weights.ts";
import { writeDecoder } from "../../../../src/domain/models/weights/write-decoder.ts";
import { compile } from "../../../../src/engine/compile.ts";
import { openReference } from "../../../../src/engine/backends/reference.ts";
import { elementCount } from "../../../../src/engine/graph.ts";
import { sum } from "../../../../src/engine/ops/reductions.ts";
import { scaleBy } from "../../../../src/engine/ops/elementwise.ts";
import { expectClose } from "../../../close.ts";
import { randomValues } from "../../../engine/fixtures.ts";

const CONFIG = {
  ...{
    model_type: "qwen3",
    vocab_size: 11,
    hidden_size: 8,
    intermediate_size: 12,
    num_hidden_layers: 2,
    head_dim: 4,
  },
  ...{ num_attention_heads: 4, num_key_value_heads: 2, tie_word_embeddings: true },
};

function tensorsOf(config: Record<string, unknown>): Map<string, TensorData> {
  const shapes = [...llamaShapes(llamaConfigOf(config))];
  return new Map(
    shapes.map(([name, shape], i) => [name, { shape, values: randomValues(elementCount(shape), i + 1) }]),
  );
}

/** A file that notes the most bytes asked for at once. */
class Recorded implements ByteSource {
  most = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#bytes.length;
  }

  read(from: number, to: number): Promise<Uint8Array> {
    this.most = Math.max(this.most, to - from);
    return Promise.resolve(this.#bytes.subarray(from, to));
  }
}

/** A file of the same tensors in bf16: the upper halves of their floats. */
function inBf16(tensors: ReadonlyMap<string, TensorData>): Uint8Array {
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const [name, { shape, values }] of tensors)
    header[name] = { dtype: "BF16", shape, data_offsets: [end, (end += values.length * 2)] };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  let at = 8 + text.length;
  for (const { values } of tensors.values()) {
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
    bytes.set(new Uint8Array(Uint16Array.from(words, (word) => word >>> 16).buffer), at);
    at += values.length * 2;
  }
  return bytes;
}

const json = (value: unknown): Recorded => new Recorded(new TextEncoder().encode(JSON.stringify(value)));

function folderOf(
  tensors: ReadonlyMap<string, TensorData>,
  config: Record<string, unknown> = CONFIG,
): Map<string, Recorded> {
  return new Map([
    ["config.json", json(config)],
    ["model.safetensors", new Recorded(writeSafetensors(tensors))],
  ]);
}

test("tensors are read one at a time, a repeated head is left out", async () => {
  const tensors = tensorsOf(CONFIG);
  const files = folderOf(new Map([...tensors, [HEAD, tensors.get(EMBEDDINGS)!]]));
  const folder = await openDecoderFolder(files);
  expect(folder.names).toEqual([...tensors.keys()]);
  expect(folder.names).toContain("model.layers.1.self_attn.q_norm.weight");
  const weights = files.get("model.safetensors")!;
  weights.most = 0;
  for (const name of folder.names) expect(await folder.tensor(name), name).toEqual(tensors.get(name));
  expect(weights.most).toBe(16 * 8 * 4); // q_proj, the largest
});

test("weights in several files are found by their index and written into an executable", async () => {
  const tensors = [...tensorsOf(CONFIG)];
  const parts = [tensors.slice(0, 9), tensors.slice(9)];
  const names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
  const map = parts.flatMap((part, index) => part.map(([name]) => [name, names[index]]));
  const folder = await openDecoderFolder(
    new Map([
      ["config.json", json(CONFIG)],
      ["model.safetensors.index.json", json({ weight_map: Object.fromEntries(map) as unknown })],
      ...parts.map((part, index): [string, Recorded] => [
        names[index]!,
        new Recorded(writeSafetensors(new Map(part))),
      ]),
    ]),
  );
  const executable = await compile(openReference(), (graph) => {
    const traced = traceLlama(graph, folder.config, () => false);
    const outputs = folder.names.map((name) => [`twice ${name}`, scaleBy(traced.tensor(name), 2)] as const);
    return { outputs: Object.fromEntries(outputs) };
  });
  await writeDecoder(executable, folder);
  executable.run({});
  const want = tensors.find(([name]) => name === FINAL_NORM)![1].values.map((value) => 2 * value);
  expect(await executable.read(`twice ${FINAL_NORM}`)).toEqual(want);
});

test("tables of the vocabulary are written in the parts they were traced in, an untied head as well", async () => {
  const config = { ...CONFIG, tie_word_embeddings: false };
  const tensors = tensorsOf(config);
  const folder = await openDecoderFolder(folderOf(tensors, config));
  const ids = Uint32Array.of(0, 3, 4, 10);
  const outputs = await Promise.all(
    [11, 4].map(async (vocabularyRows) => {
      const executable = await compile(openReference(), (graph) => {
        const traced = traceLlama(graph, folder.config, () => false, { vocabularyRows });
        const inside = folder.names.filter((name) => name !== EMBEDDINGS && name !== HEAD);
        const sums = inside.map((name) => [name, sum(traced.tensor(name))] as const); // all must be there to be written
        const embedded = traced.embed(graph.input("ids", "u32", [4]));
        return { outputs: { ...Object.fromEntries(sums), embedded, logits: traced.logits(embedded) } };
      });
      await writeDecoder(executable, folder);
      executable.run({ ids });
      return { embedded: await executable.read("embedded"), logits: await executable.read("logits") };
    }),
  );
  const table = tensors.get(EMBEDDINGS)!.values;
  expect(outputs[1]!.embedded).toEqual(
    Float32Array.from([...ids].flatMap((id) => [...table.subarray(id * 8, id * 8 + 8)])),
  );
  expect(outputs[1]).toEqual(outputs[0]);
});

test("a folder that lacks something is refused by name, before any value is read", async () => {
  const tensors = tensorsOf(CONFIG);
  const whole = folderOf(tensors);
  const without = (path: string): Map<string, Recorded> =>
    new Map([...whole].filter(([name]) => name !== path));
  await expect(openDecoderFolder(without("config.json"), "qwen")).rejects.toThrow(
    "qwen/config.json is missing",
  );
  await expect(openDecoderFolder(without("model.safetensors"))).rejects.toThrow(
    "model.safetensors (or model.",
  );
  const untied = folderOf(tensors, { ...CONFIG, tie_word_embeddings: false });
  await expect(openDecoderFolder(untied)).rejects.toThrow('"lm_head.weight" is missing');
  const wider = folderOf(tensors, { ...CONFIG, intermediate_size: 13 });
  await expect(openDecoderFolder(wider)).rejects.toThrow(
    'mlp.gate_proj.weight" is [12, 8], config.json asks for [13, 8]',
  );
  const lost = new Map([
    ...without("model.safetensors"),
    ["model.safetensors.index.json", json({ weight_map: {} })],
  ]);
  await expect(openDecoderFolder(lost)).rejects.toThrow("weight_map names no files");
});

test("a file that is cut off or holds NaN is named with the byte", async () => {
  const tensors = tensorsOf(CONFIG);
  const bytes = writeSafetensors(tensors);
  const files = (own: Uint8Array): Map<string, Recorded> =>
    new Map([...folderOf(tensors), ["model.safetensors", new Recorded(own)]]);
  await expect(openDecoderFolder(files(bytes.subarray(0, bytes.length - 5)))).rejects.toThrow(
    "5 bytes of tensor data",
  );
  await expect(openDecoderFolder(files(bytes.subarray(0, 100)))).rejects.toThrow("it may be cut off");
  await expect(openDecoderFolder(files(bytes.subarray(0, 3)))).rejects.toThrow("3 bytes are too few");
  tensors.get(FINAL_NORM)!.values[2] = NaN;
  const folder = await openDecoderFolder(folderOf(tensors));
  await folder.tensor(EMBEDDINGS);
  await expect(folder.tensor(FINAL_NORM)).rejects.toThrow("value 2 is NaN");
});

test("a table in bf16 becomes 8 bits a stretch of rows at a time", async () => {
  const config = { ...CONFIG, vocab_size: 33_000, hidden_size: 128, head_dim: 32 };
  const tensors = new Map(
    [...llamaShapes(llamaConfigOf(config))].map(([name, shape], i) => {
      return [name, { shape, values: randomValues(elementCount(shape), i + 1) }] as const;
    }),
  );
  const files = folderOf(tensors, config);
  const weights = new Recorded(inBf16(tensors));
  files.set("model.safetensors", weights);
  const folder = await openDecoderFolder(files);
  const executable = await compile(openReference(), (graph) => {
    const traced = traceLlama(graph, folder.config, () => false, { frozen: "q8" });
    const hidden = traced.embed(graph.input("ids", "u32", [2]));
    for (const name of folder.names) traced.tensor(name); // all must be there to be written
    return { outputs: { hidden } };
  });
  weights.most = 0;
  await writeDecoder(executable, folder);
  expect(weights.most).toBeLessThan(2 ** 22 * 2 + 1); // the table has 33,000 · 128 · 2 bytes
  expect(executable.leaf(EMBEDDINGS)?.dtype).toBe("q8");
  executable.run({ ids: Uint32Array.of(3, 32_999) });
  const table = tensors.get(EMBEDDINGS)!.values;
  const want = [3, 32_999].flatMap((id) => [...table.subarray(id * 128, (id + 1) * 128)]);
  expectClose(await executable.read("hidden"), want, { absolute: 1 / 127 });
});
