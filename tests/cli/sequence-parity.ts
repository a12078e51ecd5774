import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { readFixtures } from "../../cli/parity/fixture.ts";
import { replaySequence } from "../../cli/parity/replay-sequence.ts";
import type { SequenceFixture } from "../../cli/parity/sequence-fixture.ts";
import type { Backend } from "../../src/engine/backend.ts";

const FOLDER = fileURLToPath(new URL("../fixtures/parity", import.meta.url));

export const SEQUENCE_RUNS = ["encoder-cls", "encoder-mean", "encoder-lora", "cross-encoder"] as const;

export async function recordedRun(name: string): Promise<SequenceFixture> {
  const entry = (await readFixtures(FOLDER)).find((one) => one.name === name)!;
  if ("problem" in entry) throw new Error(JSON.stringify(entry));
  const { fixture } = entry;
  if (fixture.kind === "adapter" || fixture.kind === "decoder-lora") throw new Error(fixture.kind);
  return fixture;
}

/** Replays a recorded run of a BERT; every check must hold. */
export async function expectReplay(name: string, backend: Backend): Promise<void> {
  const checks = await replaySequence(await recordedRun(name), backend);
  expect(checks.length).toBeGreaterThan(10);
  expect(checks.filter(({ passed }) => !passed).map(({ name, detail }) => `${name}: ${detail}`)).toEqual([]);
}
