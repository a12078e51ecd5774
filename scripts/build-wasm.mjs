// Compiles the CPU kernels (src/engine/wasm/assembly, AssemblyScript) to src/engine/wasm/build: plain SIMD and relaxed
// SIMD from the same source. Skips when sources, compiler and options are those of the last build (a hash beside the
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
const VARIANTS = {
  simd: [],
  relaxed: ["--enable", "relaxed-simd"],
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

/**
 * Builds what is out of date and returns the paths of the files, by variant.
 * @returns {Promise<{simd: string, relaxed: string}>}
 */
export async function buildWasm() {
  const hash = sourcesHash();
  if (!isCurrent(hash)) {
    mkdirSync(BUILD, { recursive: true });
    const { default: asc } = await import("assemblyscript/asc");
    for (const [name, options] of Object.entries(VARIANTS)) await compileVariant(asc, name, options);
    publish(STAMP, hash);
  }
  return { simd: join(BUILD, "simd.wasm"), relaxed: join(BUILD, "relaxed.wasm") };
}

/**
 * The bytes of both builds, made first where they are out of date: what `openCpu` takes, for Node.
 * @returns {Promise<{simd: Uint8Array<ArrayBuffer>, relaxed: Uint8Array<ArrayBuffer>}>}
 */
export async function loadWasm() {
  const paths = await buildWasm();
  return {
    simd: new Uint8Array(readFileSync(paths.simd)),
    relaxed: new Uint8Array(readFileSync(paths.relaxed)),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const paths = await buildWasm();
  for (const path of Object.values(paths))
    console.log(relative(process.cwd(), path), readFileSync(path).length, "bytes");
}
