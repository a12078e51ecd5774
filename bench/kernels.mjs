// GFLOP/s of every kernel of an encoder's step, against the same machine's best product, in WASM and WebGPU.
import { gpuEnvironment } from "../scripts/gpu-environment.mjs";
import { bundlePage, measure, openPage } from "./harness/browser.mjs";
import { printTable, rounded } from "./harness/table.mjs";

const BACKENDS = ["wasm-simd", "wasm-relaxed-simd", "webgpu"];

export async function measurePart() {
  const bundle = await bundlePage("kernels.ts");
  for (const backend of BACKENDS) {
    const measured = [];
    for (const kernel of await kernelNames(bundle)) {
      process.stderr.write(`${backend}, ${kernel} …\n`);
      measured.push({ kernel, ...(await measureKernel(bundle, backend, kernel)) });
    }
    const rateOf = onHardware(backend) ? ({ perWall }) => perWall : ({ perCpu }) => perCpu;
    const best = Math.max(...measured.map(rateOf));
    const rows = measured.map((one) => [
      ...[one.kernel, rounded(one.cpuMs), rounded(one.wallMs), rounded(one.perCpu), rounded(one.perWall)],
      `${Math.round((100 * rateOf(one)) / best)} %`,
    ]);
    const title = `Kernels of bge-small, 8 sequences of 128 tokens, ${backend}`;
    const header = [
      "",
      "CPU ms",
      "best wall ms",
      "GFLOP per CPU-second",
      "best GFLOP/s",
      "of the best product",
    ];
    printTable(title, header, rows);
  }
}

/** There the processor's time says nothing. */
function onHardware(backend) {
  return backend === "webgpu" && gpuEnvironment().VK_ICD_FILENAMES === undefined;
}

async function kernelNames(bundle) {
  const { page, close } = await openPage(bundle);
  try {
    return await page.evaluate(() => globalThis.bench.kernelNames);
  } finally {
    await close();
  }
}

async function measureKernel(bundle, backend, kernel) {
  const { page, close } = await openPage(bundle);
  try {
    const times = { repeats: 3, aimMs: 200, warmUp: 1 };
    const { cpuMs, wallMs, first } = await measure(page, "prepareKernel", { backend, kernel }, times);
    return { cpuMs, wallMs, perCpu: first / 1e6 / cpuMs, perWall: first / 1e6 / wallMs };
  } finally {
    await close();
  }
}
