import { ALIGNMENT, type MatmulLaunch, type Plan } from "../../plan.ts";
import type { GpuDevice } from "./device.ts";
import { GpuExecutable } from "./executable.ts";
import { TILES, type Tile, type TileChoice } from "./tiles.ts";

export interface TuneResult {
  readonly tiles: TileChoice;
  readonly flopsPerMs: number; // of the best forward product: what a submit's size is planned with
}

const TIMING_MS = 300; // for all candidates together
const SEARCH_MS = 2000; // with compilation
const LAYOUTS = ["NT", "NN", "TN"] as const;
const REPEATS = 4; // launches in one run, so that a launch is timed and not a submit
/** What adapters and small encoders multiply: batch × features × features. */
const SHAPE = { NT: [64, 384, 384], NN: [64, 384, 384], TN: [384, 384, 64] } as const;

interface Best {
  readonly tile: Tile;
  readonly ms: number; // a launch
}

/**
 * Times the candidates of each layout and takes the fastest. The winner differs by device (8 × 8 in registers spills on
 * some, workgroup memory costs on others), so it is measured once and kept with the checkpoint. Candidates are tried in
 * turn, one of each layout at a time; when the time is up, the best so far stands.
 */
export async function tuneTiles(gpu: GpuDevice): Promise<TuneResult> {
  const start = performance.now();
  const best = new Map<string, Best>();
  let timingMs = 0;
  for (const tile of TILES) {
    for (const layout of LAYOUTS) {
      const known = best.get(layout);
      const timeIsUp = timingMs >= TIMING_MS || performance.now() - start >= SEARCH_MS;
      if (known && timeIsUp) continue;
      const candidate = await prepared(gpu, layout, tile);
      const before = performance.now();
      const ms = await timed(candidate, TIMING_MS / (TILES.length * LAYOUTS.length), known?.ms ?? Infinity);
      timingMs += performance.now() - before;
      candidate.dispose();
      if (!known || ms < known.ms) best.set(layout, { tile, ms });
    }
  }
  const [nt, nn, tn] = LAYOUTS.map((layout) => best.get(layout)!);
  const [m, n, k] = SHAPE.NT;
  return { tiles: { nt: nt!.tile, nn: nn!.tile, tn: tn!.tile }, flopsPerMs: (2 * m * n * k) / nt!.ms };
}

function prepared(gpu: GpuDevice, layout: "NT" | "NN" | "TN", tile: Tile): Promise<GpuExecutable> {
  const tiles = { nt: tile, nn: tile, tn: tile };
  const { software, bindingBytes } = gpu;
  const options = { tiles, software, bindingBytes, flopsPerMs: Infinity, submitMs: undefined };
  return GpuExecutable.prepare(gpu, productPlan(layout, SHAPE[layout]), options, undefined);
}

/** Milliseconds a launch: the best of as many runs as fit the budget; a first run that is hopeless stands alone. */
async function timed(executable: GpuExecutable, budgetMs: number, toBeat: number): Promise<number> {
  const start = performance.now();
  let best = await runOnce(executable);
  if (best > 4 * toBeat * REPEATS) return best / REPEATS;
  do best = Math.min(best, await runOnce(executable));
  while (performance.now() - start < budgetMs);
  return best / REPEATS;
}

async function runOnce(executable: GpuExecutable): Promise<number> {
  const start = performance.now();
  executable.run({});
  await executable.settle();
  return performance.now() - start;
}

/** The same product over and over, as a plan without a graph. */
function productPlan(layout: "NT" | "NN" | "TN", [m, n, k]: readonly [number, number, number]): Plan {
  const sizes = { a: m * k, b: n * k, out: m * n, scalars: ALIGNMENT, log: 4 };
  const kinds = { a: "output", b: "output", out: "output", scalars: "scalars", log: "log" } as const;
  const names = ["a", "b", "out", "scalars", "log"] as const;
  const storages = names.map(
    (name, id) => ({ id, kind: kinds[name], name, dtype: "f32", elements: sizes[name] }) as const,
  );
  const launch: MatmulLaunch = {
    ...{ kind: "matmul", layout, m, n, k, a: 0, b: 1, out: 2, strideOut: n, steps: [] },
    strideA: layout.startsWith("N") ? k : m,
    strideB: layout.endsWith("N") ? n : k,
  };
  const none = { feeds: {}, residents: {}, parameters: {}, states: {}, outputs: {} };
  return {
    ...{ storages, ...none, prologue: [], constants: [], optimizer: undefined, flops: 0, parameterBytes: 0 },
    buffers: names.map((name, id) => ({ id, storage: id, offset: 0, elements: sizes[name], name })),
    layout: { elements: 0, parameters: {} },
    launches: Array.from({ length: REPEATS }, () => launch),
    log: { buffer: 4, names: [] },
    peakBytes: (m * k + n * k + m * n) * 4,
  };
}
