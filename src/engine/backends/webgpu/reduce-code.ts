import type { BufferId, Plan, ReduceLaunch } from "../../plan.ts";
import { lanesOf, MOST_GROUPS, type CodeOptions, type LaunchCode } from "./code.ts";

const NO_SLOT = 255;

/** Reductions that share a launch may write different buffers of one storage, so the storage is bound whole. */
export function reduceCode(
  { reductions }: ReduceLaunch,
  options: CodeOptions,
  plan: Pick<Plan, "buffers">,
): LaunchCode {
  const sources = [
    ...new Set(reductions.flatMap(({ source, times, factor }) => [source, times, factor])),
  ].filter((buffer) => buffer !== undefined);
  const slot = (buffer: BufferId | undefined): number =>
    buffer === undefined ? NO_SLOT : sources.indexOf(buffer);
  const settings = new ArrayBuffer(4 * 32);
  const view = new DataView(settings);
  reductions.forEach((reduction, index) => {
    const { axis, rows, columns, source, times, factor, scale, root, out, at } = reduction;
    const slots = slot(source) | (slot(times) << 8) | (slot(factor) << 16);
    [["all", "rows", "columns"].indexOf(axis), rows, columns, slots].forEach((word, place) =>
      view.setUint32(index * 32 + place * 4, word, true),
    );
    view.setFloat32(index * 32 + 16, scale, true);
    view.setUint32(index * 32 + 20, root ? 1 : 0, true);
    view.setUint32(index * 32 + 24, plan.buffers[out]!.offset + at, true);
  });
  const LANES = lanesOf(options);
  const results = reductions.map(({ axis, rows, columns }) =>
    axis === "all" ? 1 : axis === "rows" ? rows : columns,
  );
  return {
    kernel: "reduce",
    constants: { LANES },
    settings,
    bindings: [sources[0], sources[1], sources[2], sources[3], sources[4], { storageOf: reductions[0]!.out }],
    groups: [Math.min(MOST_GROUPS, Math.ceil(Math.max(...results) / LANES)), reductions.length],
    flops: reductions.reduce((sum, { rows, columns }) => sum + rows * columns, 0),
  };
}
