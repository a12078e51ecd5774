// The embedding map: milliseconds a frame of 50,000 moving points, 896 × 560 pixels, by both of its renderers.
import { bundlePage, measure, openPage } from "./harness/browser.mjs";
import { printTable, rounded } from "./harness/table.mjs";

const POINTS = 50_000;

export async function measurePart() {
  const { page, close } = await openPage(await bundlePage("map.ts"));
  const rows = [];
  for (const renderer of ["canvas", "webgpu"]) {
    const { cpuMs, wallMs } = await measure(page, "frames", { renderer, points: POINTS }, { repeats: 3 });
    rows.push([renderer, rounded(cpuMs), rounded(wallMs)]);
  }
  await close();
  printTable(`Map, ${POINTS.toLocaleString("en")} points a frame`, ["renderer", "CPU ms", "wall ms"], rows);
}
