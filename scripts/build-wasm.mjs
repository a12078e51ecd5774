// Compiles the CPU kernels (src/engine/wasm/assembly, AssemblyScript) to src/engine/wasm/build: plain SIMD and relaxed
// SIMD from the same source, each also with threads over a shared memory. Skips when sources, compiler and options are those of the last build (a hash beside the
// files). `node scripts/build-wasm.mjs` or, from a script, `await buildWasm()`.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SOURCES = join(ROOT, "src/engine/wasm/assembly");
const BUILD = join(ROOT, "src/engine/wasm/build");
const STAMP = join(BUILD, "stamp.txt");

const OPTIONS = ["-O3", "--noAssert", "--runtime", "stub", "--importMemory", "--enable", "simd"];
const RELAXED = ["--enable", "relaxed-simd"];
const THREADS = ["--enable", "threads", "--sharedMemory", "--initialMemory", "2", "--maximumMemory", "65536"];
const VARIANTS = {
  simd: [],
  relaxed: RELAXED,
  "simd-threads": THREADS,
  "relaxed-threads": [...RELAXED, ...THREADS],
};

function sourcesHash() {
  const compiler = join(ROOT, "node_modules/assemblyscript/package.json");
  const hash = createHash("sha256").update(JSON.stringify([OPTIONS, VARIANTS]));
  hash.update(JSON.parse(readFileSync(compiler, "utf8")).version);
  for (const name of readdirSync(SOURCES).sort()) hash.update(name).update(readFileSync(join(SOURCES, name)));
  return hash.digest("hex");
}

function isCurrent(hash) {
  const files = Object.keys(VARIANTS).map((name) => join(BUILD, `${name}.wasm`));
  return files.every((file) => existsSync(file)) && existsSync(STAMP) && readFileSync(STAMP, "utf8") === hash;
}

/** Written beside its place and renamed, so that a reader in another process never sees half a file. */
function publish(path, bytes) {
  const partial = `${path}.${process.pid}`;
  writeFileSync(partial, bytes);
  renameSync(partial, path);
}

async function compileVariant(asc, name, options) {
  let wasm;
  const { error, stderr } = await asc.main(
    ["index.ts", "--baseDir", SOURCES, "--outFile", "kernels.wasm", ...OPTIONS, ...options],
    {
      readFile: (file, base) => {
        const path = join(base, file);
        return existsSync(path) ? readFileSync(path, "utf8") : null;
      },
      writeFile: (file, bytes) => {
        if (file === "kernels.wasm") wasm = bytes;
      },
      listFiles: () => [],
    },
  );
  if (error || !wasm)
    throw new Error(`The ${name} build of the CPU kernels failed: ${error}\n${stderr.toString()}`);
  publish(join(BUILD, `${name}.wasm`), wasm);
}

/** Builds what is out of date and returns the paths of the files, by variant. */
export async function buildWasm() {
  const hash = sourcesHash();
  if (!isCurrent(hash)) {
    mkdirSync(BUILD, { recursive: true });
    const { default: asc } = await import("assemblyscript/asc");
    for (const [name, options] of Object.entries(VARIANTS)) await compileVariant(asc, name, options);
    publish(STAMP, hash);
  }
  const path = (name) => join(BUILD, `${name}.wasm`);
  const threaded = { simd: path("simd-threads"), relaxed: path("relaxed-threads") };
  return { simd: path("simd"), relaxed: path("relaxed"), threaded };
}

/** The bytes of all builds, made first where they are out of date: what `openCpu` takes, for Node. */
export async function loadWasm() {
  const { threaded, ...single } = await buildWasm();
  const read = ({ simd, relaxed }) => ({
    simd: new Uint8Array(readFileSync(simd)),
    relaxed: new Uint8Array(readFileSync(relaxed)),
  });
  return { ...read(single), threaded: read(threaded) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { threaded, ...single } = await buildWasm();
  for (const path of [...Object.values(single), ...Object.values(threaded)]) {
    console.log(relative(process.cwd(), path), readFileSync(path).length, "bytes");
  }
}
