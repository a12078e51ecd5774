import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { readFixtures } from "../../cli/parity/fixture.ts";
import { replaySequence } from "../../cli/parity/replay-sequence.ts";
import { openReference } from "../../src/engine/backends/reference.ts";

const FOLDER = fileURLToPath(new URL("../fixtures/parity", import.meta.url));
const NAMES = ["encoder-cls", "encoder-mean", "encoder-lora", "cross-encoder"];
const backend = openReference();
afterAll(() => backend.dispose());

test.each(NAMES)("%s trains on the float64 twin as torch trained it", async (name) => {
  const entry = (await readFixtures(FOLDER)).find((one) => one.name === name)!;
  if ("problem" in entry || entry.fixture.kind === "adapter") throw new Error(JSON.stringify(entry));
  const checks = await replaySequence(entry.fixture, backend);
  const failed = checks.filter(({ passed }) => !passed).map(({ name, detail }) => `${name}: ${detail}`);
  expect(failed).toEqual([]);
});
