// Entry for cli/launch.mjs: transformers.js loads the ONNX folders below FOLDER/models as it would from the hub, in every
// precision, and must give the outputs of retune_parity.json. One line a check; the folders are served on this machine.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { join, normalize } from "node:path";
import * as runtime from "onnxruntime-web";

const LEAST = { fp32: 0.99999, fp16: 0.9999, q8: 0.98 }; // cosines

// transformers.js as a page runs it: in Node it would look for the native onnxruntime and for files.
globalThis[Symbol.for("onnxruntime")] = runtime;
Object.defineProperty(process, "release", { value: { ...process.release, name: "page" } });
const { AutoModel, AutoModelForSequenceClassification, AutoTokenizer, env } =
  await import("@xenova/transformers");

/** @param {string[]} argv [FOLDER] */
export async function main([folder]) {
  const models = join(folder, "models");
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://local").pathname));
    try {
      const bytes = readFileSync(join(models, path));
      response.writeHead(200, { "content-length": bytes.length }).end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  server.keepAliveTimeout = 600_000;
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  env.remoteHost = `http://127.0.0.1:${server.address().port}/`;
  Object.assign(env, { remotePathTemplate: "{model}/", allowLocalModels: false, useBrowserCache: false });
  runtime.env.wasm.wasmPaths = undefined; // transformers.js points them to a server outside
  for (const name of ["onnx-own-graph", "onnx-base-graph", "onnx-cross-encoder"]) {
    for (const dtype of Object.keys(LEAST)) await check(models, name, dtype);
  }
  server.close();
  return 0;
}

async function check(models, name, dtype) {
  try {
    const least = await leastCosine(join(models, name), name, dtype);
    const passed = least >= LEAST[dtype];
    console.log(
      `${passed ? "ok     " : "FAILED "} ${name} transformers.js ${dtype}: least cosine ${least.toFixed(6)}`,
    );
  } catch (error) {
    console.log(`FAILED  ${name} transformers.js ${dtype}: ${error}`);
  }
}

async function leastCosine(folder, name, dtype) {
  const parity = JSON.parse(readFileSync(join(folder, "retune_parity.json"), "utf8"));
  const tokenizer = await AutoTokenizer.from_pretrained(name);
  const kind = parity.pairs ? AutoModelForSequenceClassification : AutoModel;
  const model = await kind.from_pretrained(name, { dtype, device: "auto" });
  const rows = (parity.pairs ?? parity.texts.map((text) => [text])).map(([text, text_pair]) => ({
    text,
    inputs: (options = {}) =>
      tokenizer([text], { ...options, ...(text_pair ? { text_pair: [text_pair] } : {}) }),
  }));
  const got = [];
  const want = [];
  for (const [row, { inputs }] of rows.entries()) {
    // Where a text is too long, transformers.js cuts off the last [SEP] as well: not what any peer computes.
    if (inputs().input_ids.dims[1] > parity.max_tokens) continue;
    const outputs = await model(inputs());
    got.push(Array.from((outputs.sentence_embedding ?? outputs.logits).data));
    want.push([(parity.vectors ?? parity.logits)[row]].flat());
  }
  await model.dispose();
  if (got.length < 20) throw new Error(`only ${got.length} texts are short enough`);
  if (parity.pairs) return cosine(got.flat(), want.flat());
  return Math.min(...got.map((vector, row) => cosine(vector, want[row])));
}

function cosine(a, b) {
  const dot = (x, y) => x.reduce((sum, value, index) => sum + value * y[index], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
