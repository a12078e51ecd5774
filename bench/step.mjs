// A training step of bge-small's layers (forward, backward, clipping, AdamW), the same in all: ours beside tfjs and jax-js.
// All twelve layers in WASM, one layer in WebGPU, where a software adapter takes minutes for twelve.
import { bundlePage, measure, openPage } from "./harness/browser.mjs";
import { browserMemory } from "./harness/cpu-time.mjs";
import { installPeers } from "./harness/peers.mjs";
import { printTable, ratio, rounded } from "./harness/table.mjs";
import { flopsOf, LENGTH, SEQUENCES } from "./pages/layers-data.mjs";

const CASES = [
  {
    ...{
      title: "12 layers, WASM, one thread",
      layers: 12,
      times: { repeats: 1, aimMs: 1, warmUp: 0, least: 1 },
    },
    programs: [
      ["Retune, WASM SIMD", "layers-ours.ts", "wasm-simd"],
      ["Retune, WASM relaxed SIMD", "layers-ours.ts", "wasm-relaxed-simd"],
      ["jax-js, WASM", "layers-jax.mjs", "wasm"],
      ["tfjs, WASM", "layers-tfjs.mjs", "wasm"],
    ],
  },
  {
    ...{
      title: "1 layer, WASM, one thread",
      layers: 1,
      times: { repeats: 3, aimMs: 1, warmUp: 1, least: 1 },
    },
    programs: [
      ["Retune, WASM SIMD", "layers-ours.ts", "wasm-simd"],
      ["Retune, WASM relaxed SIMD", "layers-ours.ts", "wasm-relaxed-simd"],
      ["jax-js, WASM", "layers-jax.mjs", "wasm"],
      ["tfjs, WASM", "layers-tfjs.mjs", "wasm"],
    ],
  },
  {
    ...{ title: "1 layer, WebGPU", layers: 1, times: { repeats: 1, aimMs: 1, warmUp: 0, least: 1 } },
    programs: [
      ["Retune, WebGPU", "layers-ours.ts", "webgpu"],
      ["jax-js, WebGPU", "layers-jax.mjs", "webgpu"],
      ["tfjs, WebGPU", "layers-tfjs.mjs", "webgpu"],
    ],
  },
];

export async function measurePart() {
  installPeers();
  for (const { title, layers, programs, times } of CASES) {
    const rows = [];
    let own;
    for (const [name, source, backend] of programs) {
      process.stderr.write(`${name}, ${title} …\n`);
      const found = await measureProgram(source, { backend, layers }, times);
      if (typeof found === "string") {
        rows.push([name, found, ...Array(5).fill("–")]);
        continue;
      }
      own ??= found.cpuMs;
      const rate = flopsOf(layers) / 1e6 / found.cpuMs;
      const losses = `${found.first.toFixed(4)}, ${found.last.toFixed(4)}`;
      rows.push([name, rounded(found.cpuMs), rounded(found.wallMs), ratio(found.cpuMs, own)]);
      rows.at(-1).push(rounded(rate), Math.round(found.bytes / 2 ** 20), losses);
    }
    printTable(
      `Step of bge-small's layers, ${SEQUENCES} sequences of ${LENGTH} tokens: ${title}`,
      [
        "",
        "CPU ms",
        "wall ms",
        "CPU / Retune's",
        "GFLOP per CPU-second",
        "MiB at most",
        "first and last loss",
      ],
      rows,
    );
  }
}

/** CPU and memory in a browser of its own, memory above that of the empty page; or why there is no figure. */
async function measureProgram(source, options, times) {
  const { page, close } = await openPage(await bundlePage(source));
  try {
    const before = browserMemory();
    const measured = await measure(page, "prepareLayers", options, times);
    return { ...measured, bytes: browserMemory() - before };
  } catch (error) {
    return error instanceof Error ? error.message.split("\n")[0] : String(error);
  } finally {
    await close();
  }
}
