// Builds what the page needs, each part only when its inputs changed: dependencies, the WASM kernels, onnxruntime's
// files for public/ort, the site in dist/.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const SITE_INPUTS = [
  "src",
  "workers",
  "public",
  "index.html",
  "vite.config.ts",
  "package-lock.json",
  "scripts",
];
const ORT_FILES = ["", ".asyncify"].flatMap((variant) =>
  ["mjs", "wasm"].map((ending) => `ort-wasm-simd-threaded${variant}.${ending}`),
);

function hashInto(hash, path) {
  if (!existsSync(path)) return;
  if (statSync(path).isDirectory()) {
    for (const name of readdirSync(path).sort()) {
      if (path === "public" && (name === "models" || name === "ort")) continue;
      hashInto(hash, join(path, name));
    }
  } else hash.update(path).update(readFileSync(path));
}

function hashOf(paths) {
  const hash = createHash("sha256");
  for (const path of paths) hashInto(hash, path);
  return hash.digest("hex");
}

function runOrThrow(command, args, what, variables = {}) {
  const env = { ...process.env, ...variables };
  const result = spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 26, env });
  if (result.status !== 0) throw new Error(`${what} failed:\n${result.stdout ?? ""}${result.stderr ?? ""}`);
}

/** Installs the locked dependencies unless node_modules was made from this very lock file. */
export function installDependencies() {
  const stamp = "node_modules/.retune-lock";
  const lock = hashOf(["package-lock.json"]);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  console.error("installing dependencies (npm ci) …");
  runOrThrow("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], "npm ci");
  writeFileSync(stamp, lock);
}

function copyRuntime() {
  mkdirSync("public/ort", { recursive: true });
  for (const name of ORT_FILES) {
    const from = join("node_modules/onnxruntime-web/dist", name);
    const to = join("public/ort", name);
    if (!existsSync(to) || statSync(to).size !== statSync(from).size) copyFileSync(from, to);
  }
}

/** Everything `npm start` serves; returns true when dist/ was built anew. */
export async function buildAll() {
  const { buildWasm } = await import("./build-wasm.mjs");
  await buildWasm();
  copyRuntime();
  const stamp = "dist/.retune-inputs";
  const inputs = hashOf(SITE_INPUTS);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === inputs) return false;
  console.error("building the studio …");
  runOrThrow(
    process.execPath,
    ["node_modules/vite/bin/vite.js", "build", "--logLevel", "warn"],
    "vite build",
    { NODE_ENV: "production" }, // a test runner sets "test", which would leave the service worker unregistered
  );
  // Everything of public/ but the models, which scripts/serve.mjs serves from where they were fetched.
  cpSync("public", "dist", { recursive: true, filter: (path) => !path.startsWith(join("public", "models")) });
  const { thirdPartyText } = await import("./third-party.mjs");
  writeFileSync("dist/third-party.txt", thirdPartyText());
  writeFileSync(stamp, inputs);
  return true;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  installDependencies();
  await buildAll();
}
