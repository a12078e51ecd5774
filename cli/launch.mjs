// Starts a TypeScript entry of this folder in plain Node: bundles it when a source has changed (cached by content, so
// a second start takes a fraction of a second), builds the WASM kernels once, and restarts Node where the process
// needs a flag or a variable that must stand before it starts. Everything it says goes to stderr.
import { createHash } from "node:crypto";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gpuEnvironment } from "../scripts/gpu-environment.mjs";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

const RELAXED_FLAG = "--experimental-wasm-relaxed-simd";
const RESTARTED = "RETUNE_RESTARTED";

// (module (func (result v128) … f32x4.relaxed_madd)): validates only where relaxed SIMD is switched on.
const RELAXED_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 1, 253, 15, 65, 2,
  253, 15, 65, 3, 253, 15, 253, 133, 2, 11,
]);

/**
 * Runs `main(argv, { root })` of an entry and exits with the code it returns.
 * @param {{ entry: string, argv: string[], gpu: boolean }} options entry: path from the root, "cli/main.ts"
 */
export async function launch({ entry, argv, gpu }) {
  // npm starts scripts in the package's folder; paths are meant from where the person stands.
  const { INIT_CWD: caller, npm_lifecycle_event: script } = process.env;
  if (caller && ["retune", "parity"].includes(script)) process.chdir(caller);
  const restart = restartOptions(gpu);
  if (restart) return void (await runAgain(restart));
  if (!existsSync(join(root, "node_modules", "vite"))) {
    console.error(`retune: its packages are not installed; run "npm ci" (or "npm start") in ${root} first`);
    process.exitCode = 1;
    return;
  }
  let bundle;
  try {
    await ensureWasm();
    bundle = await ensureBundle(entry);
  } catch (error) {
    console.error(
      `retune: the program could not be built: ${error instanceof Error ? error.message : error}`,
    );
    process.exitCode = 1;
    return;
  }
  const { main } = await import(pathToFileURL(bundle).href);
  process.exit(await main(argv, { root })); // onnxruntime's idle threads would keep the process alive
}

/** What a new process needs that this one lacks, or undefined. */
function restartOptions(gpu) {
  if (process.env[RESTARTED]) return undefined;
  const flags = WebAssembly.validate(RELAXED_PROBE) ? [] : [RELAXED_FLAG].filter(knowsFlag);
  const variables = gpu ? gpuEnvironment() : {};
  // The Vulkan loader complains on stderr where a session has no runtime folder.
  if (gpu && !process.env.XDG_RUNTIME_DIR) variables.XDG_RUNTIME_DIR = tmpdir();
  if (flags.length === 0 && Object.keys(variables).length === 0) return undefined;
  return { flags, variables };
}

function knowsFlag(flag) {
  return flag === RELAXED_FLAG && Number(process.versions.node.split(".")[0]) < 22;
}

function runAgain({ flags, variables }) {
  const child = spawn(process.execPath, [...flags, ...process.execArgv, ...process.argv.slice(1)], {
    stdio: "inherit",
    env: { ...process.env, ...variables, [RESTARTED]: "1" },
  });
  const forward = (signal) => child.kill(signal);
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, forward);
  process.on("SIGINT", () => {}); // the terminal sends it to the child as well; its exit code decides
  return new Promise((done) => {
    child.on("exit", (code, signal) => {
      process.exitCode = code ?? (signal === "SIGINT" ? 130 : 1);
      done();
    });
  });
}

/** Builds the WASM kernels where they are missing or older than their sources. */
async function ensureWasm() {
  const { buildWasm } = await import("../scripts/build-wasm.mjs");
  await buildWasm();
}

/** The path of the bundle of `entry`, built where no bundle of these sources exists. */
async function ensureBundle(entry) {
  const cache = join(root, ".cache", "retune");
  const hash = sourceHash();
  const name = entry.replaceAll("/", "-").replace(/\.ts$/, "");
  const folder = join(cache, `${name}-${hash}`);
  const file = join(folder, "main.mjs");
  if (existsSync(file)) return file;
  const started = performance.now();
  const temporary = join(cache, `${name}-${hash}.${process.pid}`);
  mkdirSync(temporary, { recursive: true });
  await bundle(join(root, entry), temporary);
  publish(temporary, folder);
  removeOlder(cache, name, folder);
  // Only for people: a script that reads stderr expects nothing but what the command says.
  if (process.stderr.isTTY) console.error(`built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return file;
}

async function bundle(entry, outDir) {
  const { build } = await import("vite");
  const transformers = join(root, "node_modules/@xenova/transformers/dist/transformers.web.js");
  await build({
    root,
    configFile: false,
    logLevel: "silent",
    publicDir: false,
    resolve: {
      alias: [
        { find: "@xenova/transformers", replacement: transformers },
        // Only the package's main entry has a Node build that can use threads.
        { find: /^onnxruntime-web\/wasm$/, replacement: "onnxruntime-web" },
      ],
    },
    ssr: { noExternal: ["@xenova/transformers"], target: "node" },
    build: {
      ssr: entry,
      outDir,
      emptyOutDir: false,
      target: "node20",
      minify: false,
      sourcemap: false,
      rollupOptions: { output: { entryFileNames: "main.mjs", chunkFileNames: "[name]-[hash].mjs" } },
    },
  });
}

/** Moves a finished bundle into place; another process may have been faster. */
function publish(temporary, folder) {
  try {
    renameSync(temporary, folder);
  } catch (error) {
    if (!existsSync(join(folder, "main.mjs"))) throw error;
    rmSync(temporary, { recursive: true, force: true });
  }
}

function removeOlder(cache, name, keep) {
  const day = 24 * 3600 * 1000;
  for (const entry of readdirSync(cache)) {
    const path = join(cache, entry);
    if (!entry.startsWith(`${name}-`) || path === keep) continue;
    if (Date.now() - statSync(path).mtimeMs > day) rmSync(path, { recursive: true, force: true });
  }
}

function sourceHash() {
  const hash = createHash("sha256");
  const files = ["src", "cli", "workers"].flatMap((folder) => filesBelow(join(root, folder)));
  for (const file of [...files.sort(), join(root, "package-lock.json")]) {
    if (!existsSync(file) || !/\.(ts|mjs|wgsl|json)$/.test(file)) continue;
    hash.update(relative(root, file)).update("\0").update(readFileSync(file)).update("\0");
  }
  return hash.digest("hex").slice(0, 16);
}

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "ui" || entry.name === "build" ? [] : filesBelow(path);
    return [path];
  });
}
