import { readFileSync, existsSync } from "node:fs";
import { expect, test } from "vitest";
import { readSafetensors, writeSafetensors } from "../../../src/domain/formats/safetensors.ts";
import { refusal } from "./refusal.ts";

function file(
  header: string | Uint8Array,
  data: ArrayBufferView = new Uint8Array(0),
  length?: bigint,
): Uint8Array {
  const json = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + json.length + data.byteLength);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 8 + json.length);
  return bytes;
}

const one = (dtype: string, shape: unknown, offsets: unknown) =>
  JSON.stringify({ w: { dtype, shape, data_offsets: offsets } });

test("what is written is read back, metadata first and the header padded to 8", () => {
  const weights = new Map([
    ["b.weight", { shape: [2, 3], values: Float32Array.of(1, 2, 3, 4, 5, 6) }],
    ["a", { shape: [], values: Float32Array.of(-0.5) }],
  ]);
  const bytes = writeSafetensors(weights, new Map([["format", "pt"]]));
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  expect(length % 8).toBe(0);
  expect(new TextDecoder().decode(bytes.subarray(8, 8 + length)).trimEnd()).toBe(
    '{"__metadata__":{"format":"pt"},"b.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},' +
      '"a":{"dtype":"F32","shape":[],"data_offsets":[24,28]}}',
  );
  const read = readSafetensors(bytes);
  expect([...read.tensors]).toEqual([...weights]);
  expect([...read.metadata]).toEqual([["format", "pt"]]);
});

test("a Node Buffer, whose slices are views of a pool, is read like any other bytes", () => {
  const half = Uint16Array.of(0x3c00, 0xc000, 0x3800);
  const buffer = Buffer.from(file(one("F16", [3], [0, 6]), half));
  expect([...readSafetensors(buffer).tensors.get("w")!.values]).toEqual([1, -2, 0.5]);
});

test("half and bfloat16 widen exactly, subnormals included; F64 is rounded", () => {
  const half = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x8000, 0x7bff, 0x3555);
  expect([...readSafetensors(file(one("F16", [6], [0, 12]), half)).tensors.get("w")!.values]).toEqual([
    1,
    -2,
    2 ** -24,
    -0,
    65504,
    0.333251953125,
  ]);
  const brain = Uint16Array.of(0x3f80, 0xc049, 0x0001);
  expect([...readSafetensors(file(one("BF16", [3], [0, 6]), brain)).tensors.get("w")!.values]).toEqual([
    1,
    -3.140625,
    2 ** -133,
  ]);
  const double = readSafetensors(file(one("F64", [1], [0, 8]), Float64Array.of(0.1))).tensors.get(
    "w",
  )!.values;
  expect(double[0]).toBe(Math.fround(0.1));
});

test("S1–S16: every malformed file is refused with its byte", () => {
  const four = Float32Array.of(1);
  const pair = (a: number[], b: number[]) =>
    JSON.stringify({
      a: { dtype: "F32", shape: [1], data_offsets: a },
      b: { dtype: "F32", shape: [1], data_offsets: b },
    });
  const many = `{${Array.from({ length: 10_001 }, (_, index) => `"t${index}":1`).join(",")}}`;
  const cases: [string, Uint8Array, string][] = [
    ["S1", new Uint8Array(7), "too few"],
    ["S2", file(one("F32", [1], [0, 4]), four, 2n ** 60n), "1152921504606846976"],
    ["S2, low bits small", file(one("F32", [1], [0, 4]), four, 2n ** 53n + 1n), "9007199254740993"],
    ["S3", file(`{${" ".repeat(1_000_100)}}`), "at most"],
    ["S4 not UTF-8", file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), "UTF-8"],
    ["S4 not an object", file("[1]"), '"{"'],
    ["S5 not JSON", file("{'w': 1}"), "cannot be read"],
    ["S5 duplicate", file('{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":1}', four), "twice"],
    ["S6", file(pair([0, 4], [2, 6]), new Uint8Array(6)), "overlaps"],
    ["S7", file(pair([0, 4], [8, 12]), new Uint8Array(12)), "unused"],
    ["S7 at the start", file(one("F32", [1], [4, 8]), new Uint8Array(8)), "unused"],
    ["S8 behind", file(one("F32", [1], [0, 4]), new Uint8Array(5)), "1 bytes after"],
    ["S8 cut", file(one("F32", [1], [0, 4]), new Uint8Array(3)), "cut off"],
    ["S9 begin > end", file(one("F32", [1], [4, 0]), four), "does not hold"],
    ["S9 negative", file(one("F32", [1], [-4, 0]), four), "whole numbers"],
    ["S9 fraction", file(one("F32", [1], [0, 4.5]), four), "whole numbers"],
    ["S10 product", file(one("F32", [2], [0, 4]), four), "takes 8 bytes"],
    ["S10 overflow", file(one("F32", [2 ** 32, 2 ** 32], [0, 0])), "73786976294838206464"],
    ["S11", file(one("F8_E4M3", [1], [0, 1]), Uint8Array.of(1)), "F8_E4M3"],
    ["S11 prototype", file(one("constructor", [1], [0, 1]), Uint8Array.of(1)), "constructor"],
    ["S12", file(many), "10000"],
    ["S13", file('{"__metadata__":{"a":1}}'), "no text"],
    ["S13 not an object", file('{"__metadata__":[]}'), "__metadata__"],
    ["S14", file(one("F32", [1], [0, 4]), Float32Array.of(NaN)), "NaN"],
    ["S14 half", file(one("F16", [1], [0, 2]), Uint16Array.of(0x7c00)), "Infinity"],
    ["S16", file(one("F32", [0, 4], [0, 0])), "dimension of 0"],
  ];
  for (const [label, bytes, words] of cases) {
    const error = refusal(
      () => readSafetensors(bytes, "m.safetensors"),
      "E_SAFETENSORS",
      "m.safetensors",
      words,
    );
    expect(error.place.byte, label).toBeTypeOf("number");
  }
});

test("S13: __proto__ is a tensor name like any other", () => {
  const read = readSafetensors(
    file('{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', Float32Array.of(7)),
  );
  expect([...read.tensors.keys()]).toEqual(["__proto__"]);
  expect(({} as Record<string, unknown>)["dtype"]).toBeUndefined();
});

test("reads what the original library wrote", () => {
  const path = "tests/fixtures/parity/adapter-two-layer.safetensors";
  expect(existsSync(path), `${path} is part of the repository`).toBe(true);
  const { tensors } = readSafetensors(new Uint8Array(readFileSync(path)));
  expect(tensors.get("init.linear1.weight")!.shape).toEqual([96, 48]);
  expect(tensors.get("q")!.shape).toHaveLength(2);
});

test("token ids come as integers beside the floats; what 32 bits do not hold is refused", () => {
  const header = JSON.stringify({
    ids: { dtype: "I32", shape: [1, 2], data_offsets: [0, 8] },
    wide: { dtype: "I64", shape: [2], data_offsets: [8, 24] },
    w: { dtype: "F32", shape: [1], data_offsets: [24, 28] },
  });
  const data = new DataView(new ArrayBuffer(28));
  data.setInt32(0, 101, true);
  data.setInt32(4, -7, true);
  data.setBigInt64(8, -1n, true);
  data.setBigInt64(16, 30_522n, true);
  data.setFloat32(24, 0.5, true);
  const { tensors, integers } = readSafetensors(file(header, data));
  expect([...tensors.keys()]).toEqual(["w"]);
  expect(integers.get("ids")).toEqual({ shape: [1, 2], values: Int32Array.of(101, -7) });
  expect(integers.get("wide")).toEqual({ shape: [2], values: Int32Array.of(-1, 30_522) });
  data.setBigInt64(16, 2n ** 31n, true);
  refusal(() => readSafetensors(file(header, data)), "E_SAFETENSORS", '"wide": value 1 is past 32 bits');
  refusal(() => readSafetensors(file(one("U8", [1], [0, 1]), new Uint8Array(1))), "E_SAFETENSORS", "type U8");
});
