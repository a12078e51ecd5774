import { afterAll, beforeAll, test } from "vitest";
import type { Backend } from "../../src/engine/backend.ts";
import { openDawn } from "../engine/dawn.ts";
import { expectReplay, SEQUENCE_RUNS } from "./sequence-parity.ts";

let backend: Backend;
beforeAll(async () => {
  backend = await openDawn();
});
afterAll(() => backend.dispose());

test.each(SEQUENCE_RUNS)("%s trains on WebGPU as torch trained it", (name) => expectReplay(name, backend));
