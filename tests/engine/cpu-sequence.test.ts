import { beforeAll, describe, expect, test } from "vitest";
import type { Backend } from "../../src/engine/backend.ts";
import type { Tolerance } from "../close.ts";
import { BUILDS, openBuild } from "./cpu-builds.ts";
import {
  attentionCase,
  attentionGradientCase,
  blockCases,
  layerNormCases,
  NORM_SHAPES,
  PACKINGS,
  rmsNormCases,
  segmentCases,
  type LaunchCase,
} from "./sequence-cases.ts";
import { expectTwin, numbers, runLaunch, runTwin } from "./single-launch.ts";

describe.each(BUILDS)("%s kernels of sequence models equal the float64 twins", (build) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await openBuild(build);
  });
  const agree = ({ launch, buffers }: LaunchCase, tolerance: Tolerance): Promise<void> =>
    expectTwin(backend, launch, buffers, tolerance, launch.kind);

  test.each(NORM_SHAPES)("layer normalisation of %i × %i and its gradients", async (rows, columns) => {
    // a single column has variance 0: its gradient is the difference of two equal numbers, times 316
    for (const each of layerNormCases(rows, columns)) await agree(each, { absolute: 3e-5, relative: 1e-5 });
    for (const each of rmsNormCases(rows, columns)) await agree(each, { absolute: 3e-6, relative: 1e-5 });
  });

  test.each(PACKINGS)("attention over $lengths, $heads heads of $headSize", async (packing) => {
    for (const dropout of [false, true]) {
      const forward = attentionCase(packing, dropout);
      await agree(forward, { absolute: 2e-6, relative: 2e-6 });
      const results = runTwin(forward.launch, forward.buffers);
      await agree(attentionGradientCase(packing, dropout, results), { absolute: 2e-5, relative: 1e-5 });
    }
  });

  test("attention that keeps nothing for a gradient has the same results", async () => {
    const { launch, buffers } = attentionCase(PACKINGS[3]!, false);
    if (launch.kind !== "attention") throw new Error("another launch");
    const kept = await runLaunch(backend, launch, buffers);
    const unkept = await runLaunch(backend, { ...launch, logSumExp: undefined }, buffers);
    expect(unkept[5]).toEqual(kept[5]);
    expect(unkept[6]).toEqual(buffers[6]);
  });

  test("attention where one key outweighs all others", async () => {
    const { launch, buffers } = attentionCase(PACKINGS[1]!, false);
    const large = buffers.map((values, id) => (id < 2 ? values.map((x) => 40 * x) : values));
    await agree({ launch, buffers: large }, { absolute: 2e-4, relative: 2e-6 });
  });

  test.each([1, 3, 4, 9, 384])("means of spans of %i columns and their gradient", async (columns) => {
    for (const each of segmentCases(columns)) await agree(each, { absolute: 3e-7 });
  });

  test("blocks of matrices, zeros outside", async () => {
    for (const each of blockCases()) await agree(each, {});
  });

  test("sums of gradients in place", async () => {
    const buffers = [numbers(133, 1), numbers(133, 2)];
    await agree(
      { launch: { kind: "accumulate", elements: 131, source: 0, target: 1 }, buffers },
      { absolute: 1e-7 },
    );
  });
});
