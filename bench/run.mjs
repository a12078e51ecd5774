// `npm run bench [-- PART …]`: Retune beside its peers, ratios in one run. Parts: adapter, step, matmul, kernels,
// compile, embed, quality, map, scale, llamaindex, base; without one, all of them. `decoder`, minutes, and `guide`,
// half an hour, only where they are named.
import { cpus, loadavg } from "node:os";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { root } from "./harness/browser.mjs";

const PARTS = [
  "adapter",
  "step",
  "matmul",
  "kernels",
  "compile",
  "embed",
  "quality",
  "map",
  "scale",
  "llamaindex",
  "base",
];
const LONG_PARTS = ["decoder", "guide"];

const wanted = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const unknown = wanted.filter((part) => ![...PARTS, ...LONG_PARTS].includes(part));
if (unknown.length > 0 || process.argv.includes("--help")) {
  console.error(`usage: npm run bench [-- PART …]\nparts: ${[...PARTS, ...LONG_PARTS].join(", ")}`);
  process.exit(unknown.length > 0 ? 2 : 0);
}

console.log(`${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model.trim()}`);
console.log(
  `Node ${process.version}, load average ${loadavg()
    .map((load) => load.toFixed(1))
    .join(" ")}`,
);
console.log(
  "CPU ms are the milliseconds used by the browser's GPU process and renderers: median of the repeats.",
);

let failed = 0;
for (const part of wanted.length > 0 ? wanted : PARTS) {
  try {
    const { measurePart } = await import(pathToFileURL(join(root, "bench", `${part}.mjs`)).href);
    await measurePart();
  } catch (error) {
    failed++;
    console.error(`${part} failed: ${error instanceof Error ? error.stack : error}`);
  }
}
process.exitCode = failed > 0 ? 1 : 0;
