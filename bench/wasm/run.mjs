// `node bench/wasm/run.mjs`: the CPU backend alone, in Node: GFLOP per CPU-second of matrix products and milliseconds of
// whole adapter steps, for both builds, the steps on one thread and on two. (bench/run.mjs measures beside the peers, in Chromium.)
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

const { build } = await import("vite");
const outDir = join(root, ".cache", "bench-wasm");
await build({
  root,
  configFile: false,
  logLevel: "error",
  publicDir: false,
  build: {
    ssr: join(root, "bench/wasm/measure.ts"),
    outDir,
    target: "node20",
    rollupOptions: { output: { entryFileNames: "measure.mjs" } },
  },
});
const { measure } = await import(pathToFileURL(join(outDir, "measure.mjs")).href);
await measure(wasm);
