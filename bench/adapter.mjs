// CPU milliseconds of one adapter step: ours on both backends beside tfjs, jax-js and, where Python is, torch.
import { bundlePage, measure, openPage } from "./harness/browser.mjs";
import { installPeers, runPython } from "./harness/peers.mjs";
import { printTable, ratio, rounded } from "./harness/table.mjs";

export const CASES = [
  { name: "linear, batch 10", twoLayer: false, batchSize: 10 },
  { name: "linear, batch 64", twoLayer: false, batchSize: 64 },
  { name: "384-1024-384, batch 10", twoLayer: true, batchSize: 10 },
  { name: "384-1024-384, batch 64", twoLayer: true, batchSize: 64 },
];

const PROGRAMS = [
  { name: "Retune webgpu", page: "ours.ts", backend: "webgpu" },
  { name: "jax-js webgpu", page: "jax.mjs", backend: "webgpu" },
  { name: "tfjs webgpu", page: "tfjs.mjs", backend: "webgpu", slow: true },
  { name: "Retune cpu, WASM SIMD", page: "ours.ts", backend: "wasm-simd" },
  { name: "Retune cpu, WASM relaxed SIMD", page: "ours.ts", backend: "wasm-relaxed-simd" },
  { name: "jax-js wasm", page: "jax.mjs", backend: "wasm" },
  { name: "tfjs wasm", page: "tfjs.mjs", backend: "wasm" },
];

export async function measurePart() {
  installPeers();
  const table = new Map();
  for (const program of PROGRAMS) table.set(program.name, await measureProgram(program));
  const torch = runPython("torch_adapter.py");
  if (torch) {
    const cells = CASES.map(({ twoLayer, batchSize }) =>
      torch.find((row) => row.twoLayer === twoLayer && row.batchSize === batchSize),
    );
    table.set("torch, 1 thread, fused AdamW", cells);
  } else console.log("torch: left out; npm run test:peers makes its Python environment");
  printResults(table);
}

/** Each case in a browser of its own, so that no program pays for another's garbage. */
async function measureProgram({ name, page: source, backend, slow }) {
  const bundle = await bundlePage(source);
  const cells = [];
  for (const { name: caseName, ...options } of CASES) {
    process.stderr.write(`${name}, ${caseName} …\n`);
    const { page, close } = await openPage(bundle);
    try {
      const aim = slow ? { repeats: 3, aimMs: 1, warmUp: 5 } : { repeats: 5, aimMs: 400, warmUp: 5 };
      cells.push(await measure(page, "prepareAdapter", { backend, ...options }, aim));
    } catch (error) {
      console.error(`${name}, ${caseName}: ${error instanceof Error ? error.message.split("\n")[0] : error}`);
      cells.push(undefined);
    } finally {
      await close();
    }
  }
  return cells;
}

function printResults(table) {
  const header = ["CPU ms a step (smallest wall ms)", ...CASES.map(({ name }) => name)];
  const rows = [...table].map(([name, cells]) => [
    name,
    ...cells.map((cell) => (cell ? `${rounded(cell.cpuMs)} (${rounded(cell.wallMs)})` : "–")),
  ]);
  printTable(
    "Adapter step, the same in all: MNRL at scale 20, clipping to norm 1, AdamW, 384 dimensions",
    header,
    rows,
  );
  const cpu = (name) => table.get(name)?.map((cell) => cell?.cpuMs) ?? [];
  const ratios = [
    ["jax-js webgpu / Retune webgpu", "jax-js webgpu", "Retune webgpu"],
    ["tfjs webgpu / Retune webgpu", "tfjs webgpu", "Retune webgpu"],
    ["jax-js wasm / Retune cpu", "jax-js wasm", "Retune cpu, WASM relaxed SIMD"],
    ["tfjs wasm / Retune cpu", "tfjs wasm", "Retune cpu, WASM relaxed SIMD"],
    ["Retune cpu / torch", "Retune cpu, WASM relaxed SIMD", "torch, 1 thread, fused AdamW"],
  ].map(([title, other, own]) => [
    title,
    ...CASES.map((_, index) => ratio(cpu(other)[index], cpu(own)[index])),
  ]);
  printTable("Ratios", ["", ...CASES.map(({ name }) => name)], ratios);
  printFirstLosses(table);
}

/** The programs share data and initial weights, so their losses must agree at step 1 and, all rules alike, at step 6. */
function printFirstLosses(table) {
  const rows = [...table]
    .filter(([name]) => !name.startsWith("torch"))
    .map(([name, cells]) => [
      name,
      ...cells.map((cell) => (cell ? `${cell.first.toFixed(4)}, ${cell.early.toFixed(4)}` : "–")),
    ]);
  printTable("Loss at steps 1 and 6: the same work everywhere", ["", ...CASES.map(({ name }) => name)], rows);
}
