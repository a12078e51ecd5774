import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lookUpHubDecoder, MOST_DECODER_BYTES } from "../../../src/app/encoders/hub-decoders.ts";
import { downloadHubModel } from "../../../src/app/encoders/hub-models.ts";

// A hub on this machine. A model's name says what it has.
const LLAMA = {
  ...{ model_type: "llama", vocab_size: 8, hidden_size: 8, intermediate_size: 8, num_hidden_layers: 1 },
  ...{ num_attention_heads: 2, num_key_value_heads: 1, tie_word_embeddings: true },
};
const SMALL = {
  "config.json": JSON.stringify(LLAMA),
  "tokenizer.json": "{}",
  "chat_template.jinja": "{{ x }}",
};
const INDEX = "model.safetensors.index.json";
const parts = ["model-1.safetensors", "model-2.safetensors"] as const;
const MODELS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  whole: { ...SMALL, "model.safetensors": "w".repeat(50) },
  huge: { ...SMALL, "model.safetensors": "w" },
  parts: {
    ...SMALL,
    [INDEX]: JSON.stringify({ weight_map: { a: parts[0], b: parts[1], c: parts[0] } }),
    ...{ [parts[0]]: "11", [parts[1]]: "222" },
  },
  climbing: { ...SMALL, [INDEX]: JSON.stringify({ weight_map: { a: "../x.safetensors" } }) },
  gpt: { ...SMALL, "config.json": JSON.stringify({ ...LLAMA, model_type: "gpt2" }) },
  "no-tokenizer": { "config.json": SMALL["config.json"], "model.safetensors": "w" },
  onnx: { ...SMALL, "onnx/model.onnx": "o" },
};
let server: Server;
let host = "";

beforeAll(async () => {
  server = createServer((request, response) => {
    const [, model = "", path = ""] = /^\/tiny\/([\w-]+)\/resolve\/main\/(.+)$/.exec(request.url ?? "") ?? [];
    const content = MODELS[model]?.[path];
    if (content === undefined) return void response.writeHead(404).end();
    if (request.headers.range === undefined) return void response.writeHead(200).end(content);
    const size = model === "huge" && path.endsWith(".safetensors") ? MOST_DECODER_BYTES : content.length;
    response.writeHead(206, { "content-range": `bytes 0-0/${size}` }).end(content.slice(0, 1));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

const lookUp = (name: string) => lookUpHubDecoder(`tiny/${name}`, { host });

test("a decoder's files are told with their sizes and fetched as they are", async () => {
  const found = await lookUp("whole");
  const sizes = Object.entries(MODELS["whole"]!).map(([path, { length }]) => ({ path, bytes: length }));
  const byPath = (a: { readonly path: string }, b: { readonly path: string }): number =>
    a.path < b.path ? -1 : 1;
  expect([...found.files].sort(byPath)).toEqual(sizes.sort(byPath));
  const files = await downloadHubModel(found, {}, { host });
  expect(await files.get("model.safetensors")!.text()).toBe(MODELS["whole"]!["model.safetensors"]);
});

test("weights in several files are found by their index", async () => {
  const { files } = await lookUp("parts");
  expect(files.map(({ path }) => path)).toEqual([
    "config.json",
    "tokenizer.json",
    INDEX,
    ...parts,
    "chat_template.jinja",
  ]);
});

test.each([
  ["gpt", "unsupported", "gpt2"],
  ["no-tokenizer", "model-missing", "tokenizer.json"],
  ["onnx", "model-missing", "model.safetensors"],
  ["absent", "model-missing", "config.json"],
  ["climbing", "E_FIELD", "names no files"],
  ["huge", "E_TOO_LARGE", "at most 3000 MB"],
])("%s is refused before anything large is fetched", async (name, code, text) => {
  const refused = lookUp(name);
  await expect(refused).rejects.toMatchObject({ code });
  await expect(refused).rejects.toThrow(text);
});

test("what is no id is told so", async () => {
  await expect(lookUpHubDecoder("../x")).rejects.toMatchObject({ code: "usage" });
});
