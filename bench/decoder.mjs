// A LoRA step and an answer of a decoder of SmolLM2-135M's shape with random weights, in Node on the CPU backend; with
// `npm run bench -- decoder --gpu` on the machine's GPU by Dawn. Memory and speed stand beside the estimate they were planned with:
//   a token of a step costs 6 · (weights of the linear layers) + attention, a quarter of that for a learnt one's logits (0.73 GFLOP);
//   memory = base + LoRA with gradients and moments (37 MiB) + layers' inputs (34) + one layer (18) + a chunk of logits (12 twice).
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { build } from "vite";
import { buildWasm } from "../scripts/build-wasm.mjs";
import { root } from "./harness/browser.mjs";
import { peerPython } from "./harness/peers.mjs";
import { printTable, rounded } from "./harness/table.mjs";

const BASE_MIB = { f32: 513, f16: 257, q8: 136, q4: 86 };
const REST_MIB = 37 + 34 + 18 + 24;
const GFLOP_A_TOKEN = 0.69 + 0.17 * 0.25;
const TRANSFORMERS = join(root, "node_modules/@xenova/transformers/dist/transformers.web.js");
const RUNTIME = join(root, "node_modules/onnxruntime-web/dist");
const OUT = join(root, ".cache", "bench-decoder");

export async function measurePart() {
  const gpu = process.argv.includes("--gpu");
  const wasm = await buildWasm();
  await buildScript("measure");
  const job = {
    device: gpu ? "webgpu" : "cpu",
    threads: 1,
    wasm: { simd: wasm.simd, relaxed: wasm.relaxed },
  };
  const kinds = gpu ? ["f32", "f16", "q8", "q4"] : ["f32", "q8", "q4"];
  const steps = kinds.map((frozen) =>
    measured("measure", { ...job, what: "step", frozen, tokens: 512, times: gpu ? 10 : 1 }),
  );
  printSteps(steps);
  const answers = kinds.map((frozen) =>
    measured("measure", { ...job, what: "generate", frozen, tokens: 64, times: gpu ? 128 : 32 }),
  );
  printAnswers([...answers, ...(gpu ? [] : await peerAnswers())]);
}

/** transformers.js on a model of the same shape, which the peers' Python makes. */
async function peerAnswers() {
  const python = peerPython();
  if (!python) {
    console.log(
      "\ntransformers.js: left out, its model is made by the peers' Python (npm run test:peers installs it)",
    );
    return [];
  }
  await buildScript("peer");
  const answers = [];
  for (const dtype of ["fp32", "q4"]) {
    const file = join(OUT, "random", "onnx", dtype === "q4" ? "model_q4.onnx" : "model.onnx");
    if (!existsSync(file)) {
      const script = join(root, "bench", "python", "random_decoder_onnx.py");
      const made = spawnSync(python, [script, join(OUT, "random"), dtype], { encoding: "utf8" });
      if (made.status !== 0) throw new Error(made.stderr.trim().split("\n").at(-1));
    }
    const job = { what: "transformers.js", frozen: dtype, dtype, folder: OUT, runtimeFolder: RUNTIME };
    answers.push(measured("peer", { ...job, tokens: 64, times: dtype === "q4" ? 8 : 32 }));
  }
  return answers;
}

function printSteps(steps) {
  const header = [
    "base",
    "tokens/s",
    "CPU-s a step",
    "GFLOP/s",
    "planned MiB",
    "estimate MiB",
    "peak RSS MiB",
    "launches",
  ];
  const rows = steps.map((step) => [
    step.frozen,
    rounded(step.tokensPerSecond),
    rounded(step.cpuSeconds),
    rounded(step.gflopPerSecond),
    step.plannedMiB.toFixed(0),
    BASE_MIB[step.frozen] + REST_MIB,
    step.rssMiB.toFixed(0),
    step.launches,
  ]);
  const [{ gflopPerToken, label }] = steps;
  printTable(
    `LoRA step (r 8, seven layers, 512 tokens, a quarter learnt, recomputed) on ${label}`,
    header,
    rows,
  );
  const planned = `${gflopPerToken.toFixed(2)} GFLOP a token in the plan, ${GFLOP_A_TOKEN.toFixed(2)} in the estimate`;
  console.log(`\n${planned}`);
}

function printAnswers(answers) {
  const header = ["model", "tokens/s", "CPU ms a token", "prompt of 64, s", "peak RSS MiB"];
  const rows = answers.map((answer) => [
    answer.name ?? `ours, ${answer.frozen}`,
    rounded(answer.tokensPerSecond),
    rounded(answer.cpuSecondsPerToken * 1000),
    rounded(answer.promptSeconds),
    answer.rssMiB.toFixed(0),
  ]);
  printTable("One greedy answer after a prompt of 64 tokens", header, rows);
}

/** A script of bench/decoder as one file for Node. */
async function buildScript(name) {
  await build({
    root,
    configFile: false,
    logLevel: "error",
    publicDir: false,
    resolve: {
      alias: [
        { find: "@xenova/transformers", replacement: TRANSFORMERS },
        { find: /^onnxruntime-web\/wasm$/, replacement: "onnxruntime-web" },
      ],
    },
    ssr: { noExternal: ["@xenova/transformers"], target: "node" },
    build: {
      ssr: join(root, "bench/decoder", `${name}.ts`),
      outDir: OUT,
      emptyOutDir: false,
      target: "node20",
      rollupOptions: { output: { entryFileNames: `${name}.mjs` } },
    },
  });
}

/** Runs a job in a process of its own. */
function measured(script, job) {
  process.stderr.write(`${job.what} ${job.frozen ?? ""} …\n`);
  const argv = ["--experimental-wasm-relaxed-simd", join(OUT, `${script}.mjs`), JSON.stringify(job)];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr.trim().split("\n").slice(-5).join("\n"));
  return JSON.parse(stdout.trim().split("\n").at(-1));
}
