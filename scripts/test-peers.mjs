// `npm run test:peers`: every export loaded by the library it is meant for, in a Python environment of its own
// (.cache/peers, made once; about 6 GB, most of it torch). Prints a log that ends in "N passed, N failed".
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const environment = join(root, ".cache", "peers");
const python = join(environment, "bin", "python");
const peers = join(root, "scripts", "peers");
const tally = { passed: 0, failed: 0 };

/** Runs a command and returns what it printed; throws where it fails and may not. */
function run(command, args, { mayFail = false, quiet = false } = {}) {
  const stdio = ["ignore", "pipe", quiet ? "ignore" : "inherit"];
  const result = spawnSync(command, args, { cwd: root, encoding: "utf8", stdio, maxBuffer: 2 ** 28 });
  if (result.status !== 0 && !mayFail)
    throw new Error(`${[command, ...args].join(" ")} failed (${result.status})`);
  return { code: result.status, output: result.stdout };
}

/** The environment with the pinned peers, made where it is missing or the pins have changed. */
function ensureEnvironment() {
  const requirements = join(peers, "requirements.txt");
  const stamp = join(environment, "requirements.txt");
  const wanted = readFileSync(requirements, "utf8");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.error("making the Python environment in .cache/peers (torch is large) …");
  mkdirSync(dirname(environment), { recursive: true });
  if (!existsSync(python)) run("python3", ["-m", "venv", environment]);
  const pip = [python, ["-m", "pip", "install", "--quiet", "--no-cache-dir"]];
  run(pip[0], [...pip[1], "-r", requirements]);
  // Its own requirements belong to remote services; the two local modules need none of them.
  run(pip[0], [...pip[1], "--no-deps", "llama-index-finetuning==0.4.2"]);
  writeFileSync(stamp, wanted);
}

function report(passed, text) {
  tally[passed ? "passed" : "failed"]++;
  console.log(`${passed ? "ok     " : "FAILED "} ${text}`);
}

const layers = [
  { features: 40, activation: "gelu", bias: true },
  { features: 24, activation: "identity", bias: false },
];
const JOBS = {
  linear: {
    mode: "compatible",
    adapter: { kind: "linear", bias: false },
    learningRate: 1e-3,
    epochs: 4,
    checkpointSteps: 20,
  },
  "linear-bias": {
    mode: "compatible",
    adapter: { kind: "linear", bias: true },
    learningRate: 1e-3,
    epochs: 4,
    checkpointSteps: 20,
  },
  "two-layer-residual": { adapter: twoLayer("relu", true) },
  "two-layer-plain": { mode: "compatible", adapter: twoLayer("tanh", false), learningRate: 1e-2, epochs: 2 },
  "two-layer-leaky": {
    mode: "compatible",
    adapter: twoLayer("leaky_relu", true),
    learningRate: 1e-2,
    epochs: 2,
  },
  "two-layer-sigmoid": {
    mode: "compatible",
    adapter: twoLayer("sigmoid", true),
    learningRate: 1e-2,
    epochs: 2,
  },
  "two-layer-gelu": {
    mode: "compatible",
    adapter: twoLayer("gelu", true),
    learningRate: 1e-2,
    epochs: 2,
  },
  custom: {
    mode: "compatible",
    adapter: { kind: "custom", layers, residual: false },
    learningRate: 1e-2,
    epochs: 2,
  },
  "custom-residual": { adapter: { kind: "custom", layers, residual: true } },
};

function twoLayer(activation, residual) {
  return { kind: "two-layer", hiddenFeatures: 32, activation, residual, bias: true };
}

function retune(...args) {
  run(process.execPath, [join(root, "cli", "retune.mjs"), ...args], { quiet: true });
}

/** One run of our command line for every kind of adapter, with what the checks compare. */
function exportAll(folder) {
  const vectors = (set) => ({ queries: `${set}-queries.npy`, corpus: `${set}-corpus.npy` });
  const data = { train: "train.json", validation: "validation.json" };
  for (const [name, job] of Object.entries(JOBS)) {
    const file = join(folder, `${name}.job.json`);
    const given = { train: vectors("train"), validation: vectors("validation") };
    writeFileSync(file, JSON.stringify({ task: "adapter", ...data, ...job, backend: "cpu", vectors: given }));
    const out = join(folder, name);
    retune("run", file, "--out", out);
    retune(
      "apply",
      join(folder, "validation-queries.npy"),
      "--adapter",
      out,
      "--out",
      join(out, "adapted.npy"),
    );
  }
  const again = join(folder, "linear", "train-again.json");
  retune("convert", join(folder, "train.json"), "--to", "llamaindex", "--out", again);
}

function checkExports(folder) {
  const { code, output } = run(python, [join(peers, "check_exports.py"), folder], { mayFail: true });
  if (code !== 0) report(false, `check_exports.py ended with ${code} before its last check`);
  for (const line of output.split("\n").filter((text) => /^(ok|FAILED) /.test(text))) {
    report(line.startsWith("ok"), line.slice(8));
  }
  for (const name of Object.keys(JOBS)) {
    const { code: status, output: text } = run(
      process.execPath,
      [join(peers, "check_search.mjs"), folder, join(folder, name)],
      {
        mayFail: true,
      },
    );
    report(status === 0, `${name}: search.mjs gives the hybrid figures of run.json (${text.trim()})`);
  }
}

/** A router of each kind, asked through LlamaIndex's selectors. */
function checkRouters(folder) {
  run(process.execPath, [join(peers, "router_exports.mjs"), folder], { quiet: true });
  const { code, output } = run(python, [join(peers, "check_router.py"), folder], {
    mayFail: true,
    quiet: true,
  });
  if (code !== 0) report(false, `check_router.py ended with ${code} before its last check`);
  for (const line of output.split("\n").filter((text) => /^(ok|FAILED) /.test(text))) {
    report(line.startsWith("ok"), line.slice(8));
  }
}

/** Datasets of LlamaIndex, pandas, pyarrow and datasets through `retune convert` and back to them. */
function checkDatasets(folder) {
  const { code, output } = run(python, [join(peers, "check_datasets.py"), folder], { mayFail: true });
  if (code !== 0) report(false, `check_datasets.py ended with ${code} before its last check`);
  for (const line of output.split("\n").filter((text) => /^(ok|FAILED) /.test(text))) {
    report(line.startsWith("ok"), line.slice(8));
  }
}

/** Every folder that a tuned model can be taken away in, loaded by the libraries it is meant for. */
function checkModels(folder) {
  runEntry("export_models", folder);
  const checked = run(python, [join(peers, "check_models.py"), folder], { mayFail: true, quiet: true });
  if (checked.code !== 0) report(false, `check_models.py ended with ${checked.code} before its last check`);
  for (const line of `${checked.output}\n${runEntry("check_transformersjs", folder)}`.split("\n")) {
    if (/^(ok|FAILED) /.test(line)) report(line.startsWith("ok"), line.slice(8));
  }
}

/** Decoders of random weights: logits, greedy answers and chats as transformers', exports loaded by peft, transformers and gguf. */
function checkDecoders(folder) {
  run(python, [join(peers, "decoder_models.py"), folder], { quiet: true });
  forgetBundles("tests-peers-decoder-exports");
  const steps = [
    [process.execPath, [join(peers, "decoder_exports.mjs"), folder]],
    [python, [join(peers, "check_decoders.py"), folder]],
  ];
  for (const [command, args] of steps) {
    const { code, output } = run(command, args, { mayFail: true, quiet: true });
    if (code !== 0) report(false, `${args[0]} ended with ${code} before its last check`);
    for (const line of output.split("\n").filter((text) => /^(ok|FAILED) /.test(text)))
      report(line.startsWith("ok"), line.slice(8));
  }
}

/** An entry of this folder that uses the program's own modules; what it printed. */
function runEntry(name, folder) {
  const launch = `import { launch } from ${JSON.stringify(join(root, "cli", "launch.mjs"))};
    await launch({ entry: "scripts/peers/${name}.mjs", argv: [${JSON.stringify(folder)}], gpu: false });`;
  forgetBundles(`scripts-peers-${name}`);
  return run(process.execPath, ["--input-type=module", "--eval", launch]).output;
}

/** The launcher's cache knows the sources of the program, not those of its entries elsewhere. */
function forgetBundles(name) {
  const cache = join(root, ".cache", "retune");
  if (!existsSync(cache)) return;
  for (const entry of readdirSync(cache).filter((each) => each.startsWith(name)))
    rmSync(join(cache, entry), { recursive: true, force: true });
}

/** New recordings by torch, with settings that no fixture of the tests has, replayed on both backends. */
function checkParity(folder) {
  run(python, [join(peers, "parity_fixtures.py"), folder]);
  const { output } = run(process.execPath, [join(root, "cli", "parity.mjs"), folder], {
    mayFail: true,
    quiet: true,
  });
  if (!/\d+ passed, \d+ failed\n$/.test(output)) report(false, "parity ended before its last line");
  for (const line of output.split("\n").filter((text) => /^(ok|FAILED) /.test(text))) {
    report(line.startsWith("ok"), `parity ${line.slice(7)}`);
  }
}

ensureEnvironment();
const folder = mkdtempSync(join(tmpdir(), "retune-peers-"));
try {
  const shown = run(python, ["-m", "pip", "list", "--format=freeze"]).output.split("\n");
  const named =
    /^(torch|numpy|safetensors|sentence-transformers|transformers|peft|onnx|onnxruntime|datasets|gguf|llama-index-(core|embeddings-adapter|finetuning))==/;
  console.log(shown.filter((line) => named.test(line)).join(", "));
  run(python, [join(peers, "planted_data.py"), folder]);
  exportAll(folder);
  checkExports(folder);
  checkRouters(join(folder, "routers"));
  checkParity(join(folder, "parity"));
  checkModels(folder);
  checkDatasets(join(folder, "datasets"));
  checkDecoders(join(folder, "decoders"));
} catch (error) {
  report(false, error instanceof Error ? error.message : String(error));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`\n${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed > 0 ? 1 : 0;
