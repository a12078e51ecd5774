import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MOST_BYTES, downloadHubModel, lookUpHubModel } from "../../../src/app/encoders/hub-models.ts";
import { instructWanted } from "../../../src/app/encoders/instruct-files.ts";
import { memoryModelFiles } from "../../../src/app/encoders/model-files.ts";
import { OnnxEncoder } from "../../../src/app/encoders/onnx-encoder.ts";

// A hub on this machine. Every model is the same tiny one; its name says how the hub treats it.
const FOLDER = "tests/fixtures/formats/tiny-bert";
const POOLING = Buffer.from('{"pooling_mode_cls_token": true}');
const own = (path: string): Buffer => readFileSync(`${FOLDER}/${path}`);
const SERVED: Readonly<Record<string, Buffer>> = {
  "config.json": own("config.json"),
  "tokenizer.json": own("tokenizer.json"),
  "tokenizer_config.json": own("tokenizer_config.json"),
  "onnx/model.onnx": own("onnx/model.onnx"),
  "1_Pooling/config.json": POOLING,
};
const asked: { readonly path: string; readonly range: string | undefined }[] = [];
let server: Server;
let host = "";

beforeAll(async () => {
  server = createServer((request, response) => {
    const [, model = "", path = ""] = /^\/tiny\/([\w-]+)\/resolve\/main\/(.+)$/.exec(request.url ?? "") ?? [];
    const { range } = request.headers;
    asked.push({ path: `${model}/${path}`, range });
    answer(response, model, path, range !== undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

function answer(response: ServerResponse, model: string, path: string, firstByte: boolean): void {
  const onnx = path === "onnx/model.onnx";
  if (model === "gated") return void response.writeHead(401).end();
  if (model === "broken" && path === "tokenizer.json") return void response.writeHead(503).end();
  if (model === "web-page" && onnx)
    return void response.writeHead(200, { "content-type": "text/html" }).end("<p>");
  let content = SERVED[path];
  if (model === "decoder" && path === "config.json") content = Buffer.from('{"model_type": "whisper"}');
  if (model === "outside" && path === "onnx/model.onnx_data") content = Buffer.alloc(10);
  if (model === "no-export" && onnx) content = undefined;
  if (model === "page-as-bytes" && onnx) content = Buffer.from("<!doctype html><title>Sign in</title>");
  if (!content || model === "absent") return void response.writeHead(404).end();
  if (!firstByte) {
    if (model === "short" && onnx) content = content.subarray(0, 1000);
    if (model === "long" && onnx) content = Buffer.concat([content, Buffer.alloc(9)]);
    return void response.writeHead(200, { "content-type": "application/octet-stream" }).end(content);
  }
  const length = model === "huge" && onnx ? MOST_BYTES : content.length;
  const headers = model === "silent" ? {} : { "content-range": `bytes 0-0/${length}` };
  response.writeHead(206, headers).end(content.subarray(0, 1));
}

const lookUp = (name: string) => lookUpHubModel(`tiny/${name}`, { host });
const fetched = async (name: string) => downloadHubModel(await lookUp(name), {}, { host });

test("a look-up tells files and sizes and fetches no more than config.json and first bytes", async () => {
  const found = await lookUp("bert");
  const sizes = Object.entries(SERVED).map(([path, content]) => ({ path, bytes: content.length }));
  expect([...found.files].sort((a, b) => (a.path < b.path ? -1 : 1))).toEqual(
    sizes.sort((a, b) => (a.path < b.path ? -1 : 1)),
  );
  expect(found.totalBytes).toBe(sizes.reduce((sum, { bytes }) => sum + bytes, 0));
  const whole = asked.filter(({ path, range }) => path.startsWith("bert/") && range !== "bytes=0-0");
  expect(whole.map(({ path }) => path)).toEqual(["bert/config.json"]);
});

test("what is downloaded is the model byte for byte, and it embeds", async () => {
  const found = await lookUp("bert");
  const told: number[] = [];
  const onProgress = ({ done, total }: { done: number; total: number }) => told.push(done / total);
  const files = await downloadHubModel(found, { onProgress }, { host });
  const bytes = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const [path, blob] of files) bytes.set(path, new Uint8Array(await blob.arrayBuffer()));
  for (const [path, content] of Object.entries(SERVED)) {
    expect(content.equals(bytes.get(path)!), path).toBe(true);
  }
  expect(told.at(-1)).toBe(1);
  expect(told).toEqual([...told].sort((a, b) => a - b));
  const encoder = await OnnxEncoder.open(memoryModelFiles(found.id, bytes), { device: "wasm", threads: 1 });
  const vectors = await encoder.encode(["the tea"]);
  await encoder.close();
  expect(vectors.columns).toBe(32);
  expect(Math.hypot(...vectors.values)).toBeCloseTo(1, 5);
});

test.each([
  ["absent", "model-missing", "no public model tiny/absent"],
  ["gated", "model-missing", "gated model"],
  ["decoder", "model-missing", "no text encoder"],
  ["no-export", "model-missing", "has no onnx/model.onnx"],
  ["outside", "unsupported", "onnx/model.onnx_data"],
  ["huge", "E_TOO_LARGE", "at most 1500 MB"],
  ["web-page", "E_ONNX", "is a web page"],
  ["broken", "network", "could not tell about tiny/broken"],
  ["silent", "network", "how large"],
])("a look-up refuses a model that is %s", async (name, code, text) => {
  const error = await lookUp(name).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    name: "RetuneError",
    code,
    message: expect.stringContaining(text) as string,
  });
});

test.each([
  ["short", "E_MISMATCH", `1000 of the ${SERVED["onnx/model.onnx"]!.length} bytes announced`],
  ["long", "E_MISMATCH", `more than the ${SERVED["onnx/model.onnx"]!.length} bytes announced`],
  ["page-as-bytes", "E_ONNX", "web page or a pointer"],
])("a download refuses a model that comes %s", async (name, code, text) => {
  const error = await fetched(name).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    name: "RetuneError",
    code,
    message: expect.stringContaining(text) as string,
  });
});

test("what is no model id is refused before anything is asked", async () => {
  const before = asked.length;
  for (const id of ["", "a/b/c", "https://somewhere/a/b", "../secrets", "two words"]) {
    await expect(lookUpHubModel(id, { host }), id).rejects.toMatchObject({ code: "usage" });
  }
  expect(asked.length).toBe(before);
});

test("a cancelled download rejects as cancelled", async () => {
  const control = new AbortController();
  const onProgress = () => control.abort();
  const download = downloadHubModel(await lookUp("bert"), { signal: control.signal, onProgress }, { host });
  await expect(download).rejects.toMatchObject({ code: "cancelled" });
});

test("a hub that does not answer is named", async () => {
  const closed = lookUpHubModel("tiny/nobody", { host: "http://127.0.0.1:1" });
  await expect(closed).rejects.toMatchObject({
    code: "network",
    message: expect.stringContaining("127.0.0.1:1") as string,
  });
});

test("an instruct model is looked up in the precision asked for, with its own files", async () => {
  const wanted = instructWanted("fp32");
  const paths = (await lookUpHubModel("tiny/bert", { host }, wanted)).files.map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(["onnx/model.onnx", "tokenizer.json"]));
  const missing = lookUpHubModel("tiny/bert", { host }, instructWanted("q4"));
  await expect(missing).rejects.toMatchObject({
    code: "model-missing",
    message: expect.stringContaining("has no onnx/model_q4.onnx") as string,
  });
});
