// First use: CPU seconds until the pipelines of the adapter step are compiled, in a fresh browser each time.
import { bundlePage, openPage } from "./harness/browser.mjs";
import { browserClock, median } from "./harness/cpu-time.mjs";
import { printTable, rounded } from "./harness/table.mjs";

const CASES = [
  { name: "linear, batch 10", twoLayer: false, batchSize: 10, aim: 0.7 },
  { name: "384-1024-384, batch 10", twoLayer: true, batchSize: 10, aim: 1.2 },
];

export async function measurePart() {
  const bundle = await bundlePage("ours.ts");
  const rows = [];
  for (const { name, aim, ...options } of CASES) {
    const samples = [];
    for (let repeat = 0; repeat < 3; repeat++) samples.push(await compileOnce(bundle, options));
    const cpu = median(samples.map((sample) => sample.cpu));
    rows.push([name, rounded(cpu), rounded(Math.min(...samples.map((sample) => sample.wall))), aim]);
  }
  printTable(
    "Pipelines of the adapter step, WebGPU",
    ["", "CPU-s", "smallest wall s", "allowed CPU-s"],
    rows,
  );
}

async function compileOnce(bundle, options) {
  const { page, close } = await openPage(bundle);
  try {
    await page.evaluate(
      async (argument) => {
        globalThis.work = await globalThis.bench.prepareCompile(argument);
      },
      { backend: "webgpu", ...options },
    );
    const clock = browserClock();
    const [cpu, wall] = [clock(), performance.now()];
    await page.evaluate(() => globalThis.work(1));
    return { cpu: (clock() - cpu) / 1000, wall: (performance.now() - wall) / 1000 };
  } finally {
    await close();
  }
}
