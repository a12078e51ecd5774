import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { TensorData, Weights } from "../../../src/domain/matrix.ts";
import { readAdapterFolder } from "../../../src/domain/formats/adapter-folder.ts";
import { readTorchZip } from "../../../src/domain/formats/torch-zip.ts";
import { writeTorchZip } from "../../../src/domain/formats/torch-zip-writer.ts";
import { writeZip, type ZipContent } from "../../../src/domain/formats/zip-writer.ts";
import { openZip } from "../../../src/domain/formats/zip.ts";
import { applyAdapter } from "../../../src/domain/models/apply-adapter.ts";
import { expectClose } from "../../close.ts";
import { refusal } from "./refusal.ts";

const FORMATS = "tests/fixtures/formats";
type Nested = number | readonly Nested[];
interface Expected {
  readonly state?: Record<string, Nested>;
  readonly input?: readonly (readonly number[])[];
  readonly output?: readonly (readonly number[])[];
}
const expected = JSON.parse(readFileSync(`${FORMATS}/adapters.json`, "utf8")) as Record<string, Expected>;
const folderOf = (name: string) =>
  new Map(
    ["config.json", "pytorch_model.bin"].map((file) => [
      file,
      new Uint8Array(readFileSync(`${FORMATS}/${name}/${file}`)),
    ]),
  );
const flat = (value: Nested): number[] => (typeof value === "number" ? [value] : value.flatMap(flat));
const shapeOf = (value: Nested): number[] =>
  typeof value === "number" ? [] : [value.length, ...shapeOf(value[0]!)];
const same = (a: Weights, b: Weights) => {
  expect([...a.keys()]).toEqual([...b.keys()]);
  for (const [name, tensor] of a) expect(tensor, name).toEqual(b.get(name));
};

test.each(["adapter-linear", "adapter-two-layer", "adapter-half-offset", "adapter-strided"])(
  "reads %s, a folder that torch wrote, value for value",
  (name) => {
    const { config, weights } = readAdapterFolder(folderOf(name), name);
    const own = expected[name]!;
    const state = own.state ?? (own as Record<string, Nested>);
    expect([...weights.keys()].sort()).toEqual(Object.keys(state).sort());
    for (const [tensor, values] of Object.entries(state)) {
      expect(weights.get(tensor)!.shape, tensor).toEqual(shapeOf(values));
      expect([...weights.get(tensor)!.values], tensor).toEqual(flat(values).map(Math.fround));
    }
    if (!own.input) return;
    const input = {
      rows: own.input.length,
      columns: config.features,
      values: Float32Array.from(flat(own.input)),
    };
    expectClose(applyAdapter(config, weights, input).values, flat(own.output!), {
      absolute: 1e-6,
      relative: 1e-5,
    });
  },
);

test("a pickle that names a function is refused, by the function's name, and nothing runs", () => {
  const error = refusal(
    () => readTorchZip(folderOfFile("refuse-code"), "evil.bin"),
    "E_PICKLE",
    "evil.bin",
    '"__builtin__.print"',
    "nothing was run",
  );
  expect(error.place).toEqual({ file: "evil.bin", byte: 185 });
});

test("torch's old container is refused with the way out", () => {
  refusal(() => readTorchZip(folderOfFile("refuse-legacy")), "E_PICKLE", "old file format", "save it again");
});

const tensor = (shape: readonly number[], first: number): TensorData => ({
  shape,
  values: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, index) => first + index / 8),
});
const weights: Weights = new Map([
  ["residual_weight", tensor([1], 0.25)],
  ["linear1.weight", tensor([300, 7], -3)],
  ["scalar", tensor([], 9)],
]);

test("what is written is read back bit for bit, whatever the name of the top folder", () => {
  same(readTorchZip(writeTorchZip(weights)), weights);
  same(readTorchZip(writeTorchZip(weights, "archive")), weights);
});

test("tensor data starts at multiples of 64, as torch.save's does", () => {
  const archive = openZip(writeTorchZip(weights));
  expect([...archive.entries.keys()]).toContain("pytorch_model/data/1");
  for (const entry of archive.entries.values()) expect(entry.start % 64, entry.name).toBe(0);
});

// A hand-made pickle: opcodes as text, with the values of one tensor.
const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const name = (text: string) => `X${String.fromCharCode(text.length)}\0\0\0${text}`;
const STORAGE = `(${name("storage")}ctorch\nFloatStorage\n${name("0")}${name("cpu")}K\x04tQ`;
const REBUILD = "ctorch._utils\n_rebuild_tensor_v2\n";
const DICT = "ccollections\nOrderedDict\n)R";
const rebuilt = (offset: string, shape: string, stride: string) =>
  `${REBUILD}(${STORAGE}${offset}${shape}${stride}\x89${DICT}tR`;
const state = (value: string) => `\x80\x02}(${name("w")}${value}u.`;
const VALID = state(rebuilt("K\0", "K\x02K\x02\x86", "K\x02K\x01\x86"));

function archive(pickle: string, changes: Record<string, Uint8Array | undefined> = {}): Uint8Array {
  const files: Record<string, Uint8Array | undefined> = {
    "m/data.pkl": bytes(pickle),
    "m/data/0": new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer),
    "m/version": bytes("3\n"),
    ...changes,
  };
  return writeZip(
    Object.entries(files).flatMap(([name, content]): ZipContent[] =>
      content ? [{ name, bytes: content }] : [],
    ),
  );
}

test("the smallest archive that torch.load takes is read", () => {
  expect(readTorchZip(archive(VALID)).get("w")).toEqual({
    shape: [2, 2],
    values: Float32Array.of(1, 2, 3, 4),
  });
});

test("protocol 4 with frames, short texts, memos and stack globals reads the same", () => {
  const short = (text: string) => `\x8c${String.fromCharCode(text.length)}${text}\x94`;
  const storage = `(${short("storage")}${short("torch")}${short("FloatStorage")}\x93\x94${short("0")}${short("cpu")}K\x04tQ`;
  const dict = `${short("collections")}${short("OrderedDict")}\x93)R`;
  const call = `${short("torch._utils")}${short("_rebuild_tensor_v2")}\x93(${storage}M\0\0K\x02K\x02\x86K\x01J\x02\0\0\0\x86\x89${dict}tR`;
  const framed = `\x80\x04\x95\0\0\0\0\0\0\0\0${dict}(${short("w")}${call}u}${name("_metadata")}}sb.`;
  expect(readTorchZip(archive(framed)).get("w")!.values).toEqual(Float32Array.of(1, 3, 2, 4));
});

test("every flaw of the pickle is refused with its kind", () => {
  const cases: [string, string][] = [
    [state("cos\nsystem\n(X\x02\0\0\0lstR"), '"os.system"'],
    [state("ctorch._utils\n_rebuild_parameter\n)R"), "_rebuild_parameter"],
    [state("ctorch\nLongStorage\n"), "LongStorage"],
    [state(`${name("builtins")}${name("eval")}\x93)R`), '"builtins.eval"'],
    [state("i__builtin__\neval\n"), "opcode 0x69"],
    [state("K\x05"), "no tensor"],
    [state(rebuilt("K\x01", "K\x02K\x02\x86", "K\x02K\x01\x86")), "does not fit"],
    [state(rebuilt("K\0", "K\x02K\x03\x86", "K\x03K\x01\x86")), "does not fit"],
    [state(rebuilt("K\0", "J\0\0\0\x7fJ\0\0\0\x7f\x86", "K\0K\0\x86")), "does not fit"],
    [state(rebuilt("K\0", "K\0K\x02\x86", "K\x02K\x01\x86")), "does not fit"],
    [state(rebuilt("K\0", "K\x02\x85", "K\x02K\x01\x86")), "without storage"],
    [state(rebuilt("J\xff\xff\xff\xff", "K\x02\x85", "K\x01\x85")), "without storage"],
    [VALID.slice(0, -1), "cut off"],
    [`${VALID}extra`, "after the end"],
    ["\x80\x02].", "no state dict"],
    ["\x80\x09}.", "protocol 9"],
    ["\x80\x02h\x07.", "memo 7"],
    ["\x80\x02u.", "no mark"],
    ["\x80\x02X\xff\xff\xff\x7fabc", "cut off"],
    ["\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc", "cut off"],
    [`\x80\x02}K\x01.`, "left over"],
  ];
  for (const [pickle, words] of cases) refusal(() => readTorchZip(archive(pickle)), "E_PICKLE", words);
});

test("every flaw of the archive around it is refused", () => {
  refusal(() => readTorchZip(archive(VALID, { "m/version": undefined })), "E_PICKLE", "m/version is missing");
  refusal(() => readTorchZip(archive(VALID, { "m/data/0": undefined })), "E_PICKLE", "m/data/0 is missing");
  refusal(() => readTorchZip(archive(VALID, { "m/data/0": new Uint8Array(12) })), "E_PICKLE", "12 bytes");
  refusal(() => readTorchZip(archive(VALID, { "m/byteorder": bytes("big") })), "E_PICKLE", "big");
  refusal(() => readTorchZip(archive(VALID, { "m/data.pkl": undefined })), "E_PICKLE", "no data.pkl");
  const infinite = new Uint8Array(Float32Array.of(1, 2, -Infinity, 4).buffer);
  refusal(
    () => readTorchZip(archive(VALID, { "m/data/0": infinite })),
    "E_PICKLE",
    '"w": value 2 is -Infinity',
  );
  const damaged = archive(VALID);
  damaged[openZip(damaged).entries.get("m/data/0")!.start]! ^= 1;
  refusal(() => readTorchZip(damaged), "E_CHECKSUM", "m/data/0");
});

function folderOfFile(folder: string): Uint8Array {
  return new Uint8Array(readFileSync(`${FORMATS}/${folder}/pytorch_model.bin`));
}
