// The guide's experiment on this machine's CPU: bge-small-en-v1.5, all weights, fine-tuned on Lyft's questions with neighbour
// batches and judged on Uber's. Half an hour of two cores, so `npm run bench` runs it only when asked: `npm run bench -- guide`.
// The data is read in place where it lies, else this part says so and is left out.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { build } from "vite";
import { root } from "./harness/browser.mjs";
import { printTable } from "./harness/table.mjs";
import { DATA } from "./quality.mjs";

const SETTINGS = {
  recipe: "encoder",
  mode: "recommended",
  epochs: 2,
  batchSize: 10,
  learningRate: 2e-5,
  maxTokens: 256,
  validation: "none", // trained on all of Lyft, as the figures it is held against
};
const RELAXED = "--experimental-wasm-relaxed-simd";

export async function measurePart() {
  if (!existsSync(DATA)) {
    console.log(`guide: left out, ${DATA} is not here`);
    return;
  }
  const seed = Number(process.env.RETUNE_SEED ?? 0);
  const threads = Number(process.env.RETUNE_THREADS ?? Math.min(4, availableParallelism()));
  const folder = mkdtempSync(join(root, ".cache", "guide-"));
  try {
    await bundle(folder);
    const checkpoint = process.env.RETUNE_CHECKPOINT; // a file: a run that was broken off goes on from it
    const options = { root, data: DATA, threads, settings: { ...SETTINGS, seed }, checkpoint };
    printRecord(JSON.parse(await run(join(folder, "main.mjs"), options)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Bundles the experiment, so that edits during the half hour change nothing. */
export async function bundle(outDir) {
  await build({
    root,
    configFile: false,
    logLevel: "silent",
    publicDir: false,
    ssr: { target: "node" },
    build: {
      ssr: join(root, "bench", "guide", "main.ts"),
      outDir,
      emptyOutDir: false,
      target: "node20",
      minify: false,
      rollupOptions: { output: { entryFileNames: "main.mjs" } },
    },
  });
}

function run(file, options) {
  const flags = Number(process.versions.node.split(".")[0]) < 22 ? [RELAXED] : [];
  const child = spawn(process.execPath, [...flags, file, JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (part) => (output += part));
  return new Promise((done, fail) => {
    child.on("exit", (code) => (code === 0 ? done(output) : fail(new Error(`the run ended with ${code}`))));
  });
}

function printRecord({ base, tuned, backend, seconds, cpuSeconds, losses, clipped }) {
  const names = ["hit@1", "hit@5", "hit@10", "mrr@10"];
  const figures = (metrics) => names.map((name) => metrics[name].toFixed(4));
  const rows = [
    ["base", ...figures(base.dense)],
    ["base, hybrid", ...figures(base.hybrid)],
    ["fine-tuned", ...figures(tuned.dense)],
    ["fine-tuned, hybrid", ...figures(tuned.hybrid)],
  ];
  printTable("bge-small-en-v1.5 fine-tuned on Lyft, judged on Uber", ["790 questions", ...names], rows);
  const minutes = (value) => (value / 60).toFixed(1);
  console.log(`${backend}: training ${minutes(seconds)} min, ${minutes(cpuSeconds)} CPU min in all`);
  console.log(`losses: ${losses.map((loss) => loss.toFixed(4)).join(" ")}`);
  console.log(`${clipped} of ${losses.length} steps were clipped to norm 1`);
}
