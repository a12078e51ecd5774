import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { DEFAULT_ENCODER } from "../../../src/app/encoders/known-encoders.ts";
import { encoderHash } from "../../../src/app/encoders/encoder-hash.ts";
import type { ModelFiles } from "../../../src/app/encoders/model-files.ts";
import { openOnnxBert } from "../../../src/app/encoders/onnx-bert.ts";
import { OnnxEncoder } from "../../../src/app/encoders/onnx-encoder.ts";
import { readNpy } from "../../../src/domain/formats/npy.ts";
import { rowOf } from "../../../src/domain/matrix.ts";
import type { Backend } from "../../../src/engine/backend.ts";
import { expectClose } from "../../close.ts";
import { openTestCpu } from "../../domain/recipes/open-backend.ts";
import { DEFAULT_MODEL, filesOnDisk } from "./files-on-disk.ts";

const TINY = "tests/fixtures/formats/tiny-bert";
const FIXTURE = "tests/fixtures/encoder";
const never = (): Promise<Backend> => Promise.reject(new Error("a backend was opened"));

/** A folder with one file exchanged. */
function changed(path: string, change: (text: string) => string): ModelFiles {
  const files = filesOnDisk(TINY);
  const read: ModelFiles["read"] = async (asked) => {
    const bytes = await files.read(asked);
    if (asked !== path || !bytes) return bytes;
    return new TextEncoder().encode(change(new TextDecoder().decode(bytes)));
  };
  return { name: files.name, read };
}

test("a BERT in an ONNX file has onnxruntime's identity and vectors when our kernels run it", async () => {
  const files = filesOnDisk(TINY);
  const { texts } = JSON.parse(readFileSync(`${TINY}/expected.json`, "utf8")) as { texts: string[] };
  const long = [...texts, "the fox and the dog ".repeat(400)]; // beyond the model's length: cut alike
  const own = (await openOnnxBert(files, openTestCpu))!;
  const onnx = await OnnxEncoder.open(files, { device: "wasm", threads: 1 });
  const [got, want] = [await own.encode(long), await onnx.encode(long)];
  expect(own.identity).toEqual(onnx.identity);
  for (const row of long.keys()) {
    expectClose(rowOf(got, row), rowOf(want, row), { absolute: 1e-5 }, `text ${row}`);
  }
  await own.close();
  await onnx.close();
});

test("bge on our kernels has the pinned identity and Python's vectors", async () => {
  const all = JSON.parse(readFileSync(`${FIXTURE}/texts.json`, "utf8")) as string[];
  const short = [...all.keys()].filter((row) => all[row]!.length < 400);
  const want = readNpy(readFileSync(`${FIXTURE}/vectors.npy`));
  const own = (await openOnnxBert(filesOnDisk(DEFAULT_MODEL), openTestCpu))!;
  expect(own.identity.hash).toBe(await encoderHash(DEFAULT_ENCODER.parts));
  const got = await own.encode(short.map((row) => all[row]!));
  for (const [index, row] of short.entries()) {
    expectClose(rowOf(got, index), rowOf(want, row), { absolute: 1e-4 }, all[row]!.slice(0, 40));
  }
  await own.close();
}, 120_000);

test("another architecture is left to onnxruntime before weights are read or a backend is opened", async () => {
  const roberta = changed("config.json", (text) =>
    text.replace(/"model_type": *"bert"/, '"model_type":"xlnet"'),
  );
  const read: string[] = [];
  const watched = { name: roberta.name, read: (path: string) => (read.push(path), roberta.read(path)) };
  expect(await openOnnxBert(watched, never)).toBeUndefined();
  expect(read).toEqual(["config.json"]);
});

test("weights that are not the config's, and a GPU, are left to onnxruntime; the backend is given back", async () => {
  let disposed = 0;
  const opened = async (kind: Backend["kind"]): Promise<Backend> => {
    const backend = await openTestCpu();
    return {
      ...backend,
      kind,
      dispose: () => void disposed++,
      prepare: () => Promise.reject(new Error("not asked")),
    };
  };
  const wider = changed("config.json", (text) =>
    text.replace(/"intermediate_size": *\d+/, '"intermediate_size":8'),
  );
  expect(await openOnnxBert(wider, () => opened("cpu"))).toBeUndefined();
  expect(disposed).toBe(1);
  expect(await openOnnxBert(filesOnDisk(TINY), () => opened("webgpu"))).toBeUndefined();
  expect(disposed).toBe(2);
});
