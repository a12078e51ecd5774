// The CPU backend alone, in Node (bench/run.mjs measures beside the peers, in Chromium):
//   node bench/wasm/run.mjs                          products and adapter steps, both builds
//   node bench/wasm/run.mjs encoder [build] [threads] [query tokens] [document tokens] [steps]
//                                                    a step and a forward pass of bge-small by kind of launch
//   node bench/wasm/run.mjs embed [model folder] [dataset]   our encoder beside onnxruntime-web's wasm, one thread each
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { loadWasm } from "../../scripts/build-wasm.mjs";

const FLAG = "--experimental-wasm-relaxed-simd";
const root = resolve(fileURLToPath(new URL("../..", import.meta.url)));
const wasm = await loadWasm();

if (!WebAssembly.validate(wasm.relaxed) && !process.execArgv.includes(FLAG)) {
  const { status } = spawnSync(process.execPath, [FLAG, ...process.argv.slice(1)], { stdio: "inherit" });
  process.exit(status ?? 1);
}

const PARTS = {
  kernels: async ({ measure }) => measure(wasm),
  encoder: async ({ measureEncoder }, [build = "wasm-simd", ...numbers]) => {
    const [threads = 1, query = 20, document = 256, steps = 1] = numbers.map(Number);
    await measureEncoder(wasm, { build, threads, query, document, steps });
  },
  embed: async ({ measureEmbedding }, [folder, data]) => {
    const model = folder ?? join(root, "public/models/bge-small-en-v1.5");
    const texts = data ?? join(root, "../shared/data/lyft-uber-10k/val_dataset.json");
    await measureEmbedding(wasm, { folder: model, data: texts, questions: 24, passages: 8, rounds: 3 });
  },
};
const SOURCES = { kernels: "measure.ts", encoder: "encoder.ts", embed: "embed.ts" };

const [part = "kernels", ...values] = process.argv.slice(2);
if (!PARTS[part]) throw new Error(`no part "${part}": ${Object.keys(PARTS).join(", ")}`);
const { build } = await import("vite");
const outDir = join(root, ".cache", `bench-wasm-${part}`);
const transformers = join(root, "node_modules/@xenova/transformers/dist/transformers.web.js");
await build({
  root,
  configFile: false,
  logLevel: "error",
  publicDir: false,
  resolve: {
    alias: [
      { find: "@xenova/transformers", replacement: transformers },
      { find: /^onnxruntime-web\/wasm$/, replacement: "onnxruntime-web" },
    ],
  },
  ssr: { noExternal: ["@xenova/transformers"], target: "node" },
  build: {
    ssr: join(root, "bench/wasm", SOURCES[part]),
    outDir,
    target: "node20",
    rollupOptions: { output: { entryFileNames: "measure.mjs" } },
  },
});
await PARTS[part](await import(pathToFileURL(join(outDir, "measure.mjs")).href), values);
process.exit(0); // onnxruntime's and the helpers' threads would keep it alive
