import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readFixtures } from "../../cli/parity/fixture.ts";
import { readSafetensors, writeSafetensors } from "../../src/domain/formats/safetensors.ts";
import type { TensorData } from "../../src/domain/matrix.ts";

const recorded = fileURLToPath(new URL("../fixtures/parity", import.meta.url));
const NAME = "adapter-two-layer";
let folder: string;
let json: string;
let safetensors: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "retune-fixture-"));
  json = join(folder, `${NAME}.json`);
  safetensors = join(folder, `${NAME}.safetensors`);
  for (const file of [json, safetensors]) cpSync(join(recorded, file.slice(folder.length + 1)), file);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Why the one fixture of the folder cannot be replayed; undefined where it can. */
async function problem(): Promise<string | undefined> {
  const [entry] = await readFixtures(folder);
  return entry && "problem" in entry ? entry.problem : undefined;
}

function changeSettings(change: (settings: Record<string, unknown>) => void): void {
  const settings = JSON.parse(readFileSync(json, "utf8")) as Record<string, unknown>;
  change(settings);
  writeFileSync(json, JSON.stringify(settings));
}

function changeTensors(change: (tensors: Map<string, TensorData>) => void): void {
  const tensors = new Map(readSafetensors(new Uint8Array(readFileSync(safetensors)), NAME).tensors);
  change(tensors);
  writeFileSync(safetensors, writeSafetensors(tensors));
}

test("a recorded run as it was written can be replayed", async () => {
  expect(await problem()).toBeUndefined();
});

test.each([
  ["losses cut short", (s: Record<string, unknown>) => (s["losses"] = [1, 2]), "losses: 2 numbers"],
  ["no losses", (s: Record<string, unknown>) => (s["losses"] = []), "losses: 0 numbers"],
  ["a batch of 0", (s: Record<string, unknown>) => (s["batch"] = 0), "batch: "],
  ["half an epoch", (s: Record<string, unknown>) => (s["epochs"] = 0.5), "epochs: "],
  ["another dim than the adapter's", (s: Record<string, unknown>) => (s["dim"] = 47), "dim: 47"],
  ["more rows than were recorded", (s: Record<string, unknown>) => (s["n"] = 109), '"q" has shape [103, 48]'],
])("settings with %s are named, not replayed", async (_what, change, expected) => {
  changeSettings(change);
  expect(await problem()).toContain(expected);
});

test.each(["q", "d", "out", "init.linear1.bias", "grad1.linear2.weight", "final.residual_weight"])(
  "a fixture without its tensor %s never passes",
  async (name) => {
    changeTensors((tensors) => tensors.delete(name));
    expect(await problem()).toBe(`the safetensors file has no tensor "${name}"`);
  },
);

test("a transposed weight is named with both shapes", async () => {
  changeTensors((tensors) => {
    const { shape, values } = tensors.get("final.linear1.weight")!;
    tensors.set("final.linear1.weight", { shape: shape.toReversed(), values });
  });
  expect(await problem()).toBe('tensor "final.linear1.weight" has shape [48, 96], expected [96, 48]');
});

test.each([
  ["settings", () => rmSync(json), "does not exist"],
  ["tensors", () => rmSync(safetensors), "does not exist"],
  ["a whole settings file", () => writeFileSync(json, "{"), "JSON"],
  ["a whole tensors file", () => writeFileSync(safetensors, "short"), "safetensors"],
])("a fixture without %s counts as one, with the reason", async (_what, damage, expected) => {
  damage();
  expect(await readFixtures(folder)).toHaveLength(1);
  expect(await problem()).toContain(expected);
});

test("a folder with neither settings nor tensors is bad input", async () => {
  const empty = join(folder, "empty");
  mkdirSync(empty);
  await expect(readFixtures(empty)).rejects.toThrow("holds no fixture");
});
