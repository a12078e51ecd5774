import { afterAll, beforeAll, test } from "vitest";
import type { Backend } from "../../src/engine/backend.ts";
import { openReference } from "../../src/engine/backends/reference.ts";
import { openTestCpu } from "../domain/recipes/open-backend.ts";
import { expectReplay, SEQUENCE_RUNS } from "./sequence-parity.ts";

const reference = openReference();
let cpu: Backend;
beforeAll(async () => {
  cpu = await openTestCpu();
});
afterAll(() => cpu.dispose());

test.each(SEQUENCE_RUNS)("%s trains on the float64 twin as torch trained it", (name) =>
  expectReplay(name, reference),
);

test.each(SEQUENCE_RUNS)("%s trains on the CPU backend as torch trained it", (name) =>
  expectReplay(name, cpu),
);
