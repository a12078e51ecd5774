// Embedding throughput on texts of mixed length: ours against onnxruntime-web used plainly, one thread each.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bundlePage, measure, openPage, root } from "./harness/browser.mjs";
import { printTable, ratio, rounded } from "./harness/table.mjs";

const QUESTIONS = 24;
const PASSAGES = 8;
const SOURCES = {
  "Lyft and Uber (10-K)": join(root, "..", "shared", "data", "lyft-uber-10k", "val_dataset.json"),
  "the sample handbook": join(root, "public", "samples", "handbook", "train.json"),
};

const PROGRAMS = [
  ["Retune, batches sorted by length", "prepareOurs", {}],
  ["onnxruntime-web, batches of 16 in order", "preparePlain", { batch: 16 }],
  ["onnxruntime-web, one text at a time", "preparePlain", { batch: 1 }],
];

/** Questions and passages in turn, as a project holds them. */
function mixedTexts() {
  const [source, file] = Object.entries(SOURCES).find(([, path]) => existsSync(path));
  const { queries, corpus } = JSON.parse(readFileSync(file, "utf8"));
  const [questions, passages] = [Object.values(queries), Object.values(corpus)];
  const texts = [];
  for (let index = 0; index < QUESTIONS; index++) {
    texts.push(questions[index * 7]);
    if (index < PASSAGES) texts.push(passages[index * 5]);
  }
  return { texts, source };
}

export async function measurePart() {
  const model = join(root, "public", "models", "bge-small-en-v1.5");
  if (!existsSync(join(model, "onnx", "model.onnx"))) {
    throw new Error("the model is missing: npm start fetches it");
  }
  const mounts = { "/model/": model, "/ort/": join(root, "node_modules", "onnxruntime-web", "dist") };
  const { texts, source } = mixedTexts();
  const bundle = await bundlePage("embed.ts");
  const results = new Map();
  let tokens = 0;
  for (const [name, prepare, options] of PROGRAMS) {
    process.stderr.write(`${name} …\n`);
    const { page, close } = await openPage(bundle, { mounts });
    try {
      tokens = await page.evaluate((argument) => globalThis.bench.countTokens(argument), { texts });
      const once = { repeats: 1, aimMs: 1, warmUp: 0, least: 1 }; // the first pass warms up
      results.set(name, await measure(page, prepare, { texts, ...options }, once));
    } finally {
      await close();
    }
  }
  print(results, `${texts.length} texts of ${source}, ${tokens} tokens`, tokens);
}

function print(results, what, tokens) {
  const own = results.get(PROGRAMS[0][0]).cpuMs;
  const rows = [...results].map(([name, { cpuMs, wallMs, last }]) => [
    name,
    rounded((tokens / cpuMs) * 1000),
    rounded((tokens / wallMs) * 1000),
    ratio(cpuMs, own),
    last.toFixed(5),
  ]);
  const header = [
    "",
    "tokens per CPU-second",
    "tokens/s",
    "CPU time / ours",
    "first number of the last vector",
  ];
  printTable(`Embedding with bge-small-en-v1.5 fp32, one thread: ${what}`, header, rows);
}
