import { afterAll, beforeAll, expect, test } from "vitest";
import type { Backend } from "../../src/engine/backend.ts";
import { openReference } from "../../src/engine/backends/reference.ts";
import { expectClose } from "../close.ts";
import { openDawn } from "./dawn.ts";
import { through } from "./stored-residents.ts";

const backends: Backend[] = [];
beforeAll(async () => {
  for (const tile of ["8x8", "tiled32"])
    backends.push(await openDawn({ tiles: `wgsl nt=${tile} nn=${tile} tn=${tile}` }));
});
afterAll(() => backends.forEach((backend) => backend.dispose()));

test.each([
  ["f16", 8, 12],
  ["f16", 7, 5],
  ["q8", 64, 12],
  ["q8", 7, 5],
  ["q4", 36, 8],
  ["q4", 33, 5],
] as const)(
  "frozen weights in %s, %i × %i, compute as what they decode to",
  async (dtype, width, features) => {
    const { results: want } = await through(openReference(), width, features, dtype);
    const { results: exact } = await through(openReference(), width, features, "f32");
    expect(want[1]).not.toEqual(exact[1]); // rounding shows
    for (const backend of backends) {
      const { results } = await through(backend, width, features, dtype);
      results.forEach((values, index) =>
        expectClose(values, want[index]!, { absolute: 4e-5, relative: 2e-5 }),
      );
    }
  },
);
