import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { readFixtures } from "../../cli/parity/fixture.ts";
import type { DecoderFixture } from "../../cli/parity/decoder-fixture.ts";
import { replayDecoder } from "../../cli/parity/replay-decoder.ts";
import type { Backend } from "../../src/engine/backend.ts";

const FOLDER = fileURLToPath(new URL("../fixtures/parity", import.meta.url));

export async function recordedDecoder(): Promise<DecoderFixture> {
  const entry = (await readFixtures(FOLDER)).find(({ name }) => name === "decoder-lora")!;
  if ("problem" in entry || entry.fixture.kind !== "decoder-lora") throw new Error(JSON.stringify(entry));
  return entry.fixture;
}

/** Replays the recorded run; every check must hold. */
export async function expectDecoderReplay(
  backend: Backend,
  form: "plain" | "frugal" = "plain",
): Promise<void> {
  const checks = await replayDecoder(await recordedDecoder(), backend, form);
  expect(checks.filter(({ name }) => name.startsWith("grad1.")).length).toBe(28);
  expect(checks.filter(({ passed }) => !passed).map(({ name, detail }) => `${name}: ${detail}`)).toEqual([]);
}
