// The base figures of Uber with vectors made here: once headless and once through the embed worker in Chromium.
// Minutes of embedding, so `npm run bench` runs it last; the data is read in place where it lies, else it is left out.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { build } from "vite";
import { chromiumPath } from "../scripts/gpu-environment.mjs";
import { chromiumArguments, root } from "./harness/browser.mjs";
import { serve } from "./harness/server.mjs";
import { printTable } from "./harness/table.mjs";
import { DATA } from "./quality.mjs";

const TRAINED = 20; // questions: the run only has to exist for its report

export async function measurePart() {
  if (!existsSync(DATA)) {
    console.log(`base: left out, ${DATA} is not here`);
    return;
  }
  process.stderr.write("headless …\n");
  const headless = measureHeadless();
  process.stderr.write("embed worker in Chromium …\n");
  const page = await measurePage(collectionOf());
  const figures = (metrics) => ["hit@1", "hit@5", "hit@10", "mrr@10"].map((key) => metrics[key].toFixed(4));
  const rows = [
    ["headless (retune evaluate)", ...figures(headless.base), headless.seconds.toFixed(0)],
    ["embed worker in Chromium", ...figures(page.report.systems.base), page.embedSeconds.toFixed(0)],
  ];
  const header = [
    "base on Uber, 790 questions, 395 passages",
    "hit@1",
    "hit@5",
    "hit@10",
    "MRR@10",
    "seconds",
  ];
  printTable("bge-small-en-v1.5 fp32, no instruction, texts embedded here", header, rows);
}

function measureHeadless() {
  const folder = mkdtempSync(join(tmpdir(), "retune-bench-"));
  try {
    const out = join(folder, "report.json");
    const argv = ["evaluate", join(DATA, "val_dataset.json"), "--model", "bge-small-en-v1.5", "--out", out];
    const started = performance.now();
    const result = spawnSync(process.execPath, [join(root, "cli", "retune.mjs"), ...argv], {
      encoding: "utf8",
      env: { ...process.env, RETUNE_CACHE: folder },
    });
    if (result.status !== 0) throw new Error(result.stderr.trim().split("\n").at(-1));
    return { ...JSON.parse(readFileSync(out, "utf8")), seconds: (performance.now() - started) / 1000 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Base figures and seconds of a collection through the page's own workers. */
export function measurePage(collection) {
  return onStudioPage((page) => page.evaluate((argument) => globalThis.measure(argument), collection));
}

/** What `work` gives on a page with the program and its workers, in a browser of its own. */
export async function onStudioPage(work, { arguments: extra = [] } = {}) {
  const site = join(root, ".cache", "bench", "studio");
  await buildStudio(site);
  const mounts = {
    "/models/": join(root, "public", "models"),
    "/ort/": join(root, "node_modules", "onnxruntime-web", "dist"),
    "/": site,
  };
  const server = await serve(mounts, { isolated: true });
  const options = {
    executablePath: chromiumPath(),
    headless: true,
    args: [...chromiumArguments(), ...extra],
  };
  const browser = await chromium.launch(options);
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(3_600_000);
    page.on("console", (message) => process.stderr.write(`${message.text()}\n`));
    page.on("pageerror", (error) => process.stderr.write(`[page] ${error.message}\n`));
    await page.goto(`${server.origin}/index.html`);
    await page.waitForFunction(() => globalThis.measure !== undefined, undefined, { timeout: 60_000 });
    return await work(page);
  } finally {
    await browser.close();
    server.close();
  }
}

function buildStudio(outDir) {
  return build({
    root: join(root, "bench", "studio"),
    configFile: false,
    logLevel: "error",
    publicDir: false,
    base: "./",
    resolve: { conditions: ["onnxruntime-web-use-extern-wasm", "module", "browser", "production"] },
    worker: { format: "es" },
    build: { outDir, emptyOutDir: true, target: "es2022", minify: false },
  });
}

/** All of Uber to judge; a corner of Lyft to train on. */
function collectionOf() {
  const {
    queries,
    corpus,
    relevant_docs: relevant,
  } = JSON.parse(readFileSync(join(DATA, "train_dataset.json"), "utf8"));
  const asked = Object.entries(queries).slice(0, TRAINED);
  const chosen = Object.fromEntries(asked.map(([id]) => [id, relevant[id]]));
  const passages = Object.fromEntries(Object.values(chosen).flatMap(([id]) => [[id, corpus[id]]]));
  const train = JSON.stringify({
    queries: Object.fromEntries(asked),
    corpus: passages,
    relevant_docs: chosen,
  });
  return { train, test: readFileSync(join(DATA, "val_dataset.json"), "utf8") };
}
