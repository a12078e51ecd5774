// GFLOP per CPU-second of a 512³ matrix product in WASM and WebGPU.
import { bundlePage, measure, openPage } from "./harness/browser.mjs";
import { installPeers, runPython } from "./harness/peers.mjs";
import { printTable, rounded } from "./harness/table.mjs";

const SIZE = 512;

const PROGRAMS = [
  { name: "Retune cpu, WASM SIMD", page: "ours.ts", backend: "wasm-simd" },
  { name: "Retune cpu, WASM relaxed SIMD", page: "ours.ts", backend: "wasm-relaxed-simd" },
  { name: "jax-js wasm", page: "jax.mjs", backend: "wasm" },
  { name: "tfjs wasm", page: "tfjs.mjs", backend: "wasm" },
  { name: "Retune webgpu", page: "ours.ts", backend: "webgpu" },
  { name: "jax-js webgpu", page: "jax.mjs", backend: "webgpu" },
  { name: "tfjs webgpu", page: "tfjs.mjs", backend: "webgpu" },
];

export async function measurePart() {
  installPeers();
  const rows = [];
  for (const { name, page: source, backend } of PROGRAMS) {
    process.stderr.write(`${name} …\n`);
    const { page, close } = await openPage(await bundlePage(source));
    try {
      const { cpuMs, wallMs } = await measure(page, "prepareMatmul", { backend, size: SIZE }, { aimMs: 300 });
      rows.push([name, ...rates(cpuMs, wallMs)]);
    } catch (error) {
      rows.push([name, error instanceof Error ? error.message.split("\n")[0] : String(error), "–"]);
    } finally {
      await close();
    }
  }
  const torch = runPython("torch_adapter.py", ["matmul"])?.find((row) => row.size === SIZE);
  if (torch) rows.push(["torch, 1 thread", ...rates(torch.cpuMs, torch.wallMs)]);
  printTable(`Matrix product ${SIZE}³, f32`, ["", "GFLOP per CPU-second", "best GFLOP/s"], rows);
}

function rates(cpuMs, wallMs) {
  const flops = (2 * SIZE ** 3) / 1e6;
  return [rounded(flops / cpuMs), rounded(flops / wallMs)];
}
