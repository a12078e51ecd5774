// `npm test`: sets up what is missing (dependencies, Chromium, Maven, the default model), then types, lint, unit, GPU
// and browser tests, and one closing line "N passed, N failed". A missing WebGPU adapter or model is a failure.
//   --only types,lint,node,gpu,e2e   some stages        --long   the slow sweeps instead
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { buildAll, installDependencies } from "./build.mjs";
import { chromiumPath, gpuEnvironment } from "./gpu-environment.mjs";

process.chdir(join(import.meta.dirname, ".."));
const asked = process.argv.includes("--long")
  ? ["long"]
  : (process.argv[process.argv.indexOf("--only") + 1] ?? "").split(",");
const stages =
  process.argv.includes("--only") || process.argv.includes("--long")
    ? asked
    : ["types", "lint", "node", "gpu", "e2e"];

const has = (command) => spawnSync("which", [command]).status === 0;

/** Installs Debian packages where we are root and apt exists; otherwise says what to install. */
function installSystemPackages() {
  const missing = [];
  if (!chromiumPath()) missing.push("chromium");
  if (!has("mvn") && !existsSync("public/models/bge-small-en-v1.5/onnx/model.onnx")) missing.push("maven");
  if (process.platform === "linux" && !has("ip")) missing.push("iproute2"); // for the sealed-room test
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !has("apt-get")) {
    console.error(`Please install: ${missing.join(", ")} (for the browser tests and the default model).`);
    return;
  }
  console.error(`installing ${missing.join(", ")} …`);
  const quiet = { encoding: "utf8", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  spawnSync("apt-get", ["update", "-qq"], quiet);
  const result = spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...missing], quiet);
  if (result.status !== 0) console.error(result.stderr);
}

let passed = 0;
let failed = 0;

/** Runs a command that counts as one check; its words come when it has ended, as others may run beside it. */
async function check(name, command, args) {
  const started = Date.now();
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const words = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => words.push(part));
  const status = await new Promise((resolve) => child.on("close", resolve));
  process.stdout.write(Buffer.concat(words));
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  console.log(`${status === 0 ? "✓" : "✗"} ${name} (${seconds} s)`);
  if (status === 0) passed += 1;
  else failed += 1;
}

/** Runs one vitest project and adds its counts; a run that died without a report counts as one failure. */
function vitest(project) {
  const report = join(".cache", `vitest-${project}.json`);
  mkdirSync(".cache", { recursive: true });
  rmSync(report, { force: true });
  const { status } = spawnSync(
    process.execPath,
    [
      "node_modules/vitest/vitest.mjs",
      "run",
      "--project",
      project,
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${report}`,
    ],
    { stdio: "inherit", env: { ...process.env, ...gpuEnvironment() } },
  );
  if (!existsSync(report)) {
    failed += 1;
    return;
  }
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
    readFileSync(report, "utf8"),
  );
  passed += numPassedTests;
  const unmet = numFailedTests + numPendingTests + numTodoTests; // a skip is a failure
  failed += unmet === 0 && status !== 0 ? 1 : unmet;
}

const runners = {
  types: async () => {
    await check("types", process.execPath, [
      "node_modules/typescript/bin/tsc",
      "--noEmit",
      "-p",
      "tsconfig.json",
    ]);
    await check("svelte-check", process.execPath, [
      "node_modules/svelte-check/bin/svelte-check",
      "--tsconfig",
      "tsconfig.json",
      "--fail-on-warnings",
      "--output",
      "human",
    ]);
  },
  lint: async () => {
    await check("eslint", process.execPath, [
      "node_modules/eslint/bin/eslint.js",
      "--max-warnings",
      "0",
      ".",
    ]);
    await check("prettier", process.execPath, [
      "node_modules/prettier/bin/prettier.cjs",
      "--check",
      "--log-level",
      "warn",
      ".",
    ]);
  },
  node: () => vitest("node"),
  gpu: () => vitest("gpu"),
  e2e: () => vitest("e2e"),
  long: () => vitest("long"),
};

const unknown = stages.filter((stage) => !(stage in runners));
if (unknown.length > 0) {
  console.error(`unknown stage ${unknown.join(", ")}; known: ${Object.keys(runners).join(", ")}`);
  process.exit(2);
}
installDependencies();
installSystemPackages();
const { fetchModel } = await import("./fetch-model.mjs");
if (!(await fetchModel())) {
  console.error("✗ no source had the default model bge-small-en-v1.5 (see the lines above)");
  failed += 1;
}
await buildAll();
// What reads the source alone runs side by side; tests have the machine to themselves.
const reading = stages.filter((stage) => stage === "types" || stage === "lint");
await Promise.all(reading.map((stage) => runners[stage]()));
for (const stage of stages) if (!reading.includes(stage)) runners[stage]();
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
