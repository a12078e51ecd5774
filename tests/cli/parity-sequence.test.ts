import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { readFixtures } from "../../cli/parity/fixture.ts";
import { replaySequence } from "../../cli/parity/replay-sequence.ts";
import { openTestCpu } from "../domain/recipes/open-backend.ts";
import { openReference } from "../../src/engine/backends/reference.ts";

const FOLDER = fileURLToPath(new URL("../fixtures/parity", import.meta.url));
const NAMES = ["encoder-cls", "encoder-mean", "encoder-lora", "cross-encoder"];
const BACKENDS = { reference: openReference(), cpu: await openTestCpu() };
afterAll(() => Object.values(BACKENDS).forEach((backend) => backend.dispose()));

const CASES = (["reference", "cpu"] as const).flatMap((kind) => NAMES.map((name) => [name, kind] as const));

test.each(CASES)("%s trains as torch trained it on the %s backend", async (name, kind) => {
  const entry = (await readFixtures(FOLDER)).find((one) => one.name === name)!;
  if ("problem" in entry || entry.fixture.kind === "adapter") throw new Error(JSON.stringify(entry));
  const checks = await replaySequence(entry.fixture, BACKENDS[kind]);
  const failed = checks.filter(({ passed }) => !passed).map(({ name, detail }) => `${name}: ${detail}`);
  expect(failed).toEqual([]);
});
