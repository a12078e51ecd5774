import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { runCli } from "./spawn.ts";

const fixtures = fileURLToPath(new URL("../fixtures/parity", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "retune-parity-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Copies a recorded run under another name, its settings changed. */
function record(name: string, source: string, change: (settings: Record<string, unknown>) => void): void {
  const settings = JSON.parse(readFileSync(join(fixtures, `${source}.json`), "utf8")) as Record<
    string,
    unknown
  >;
  change(settings);
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(settings));
  cpSync(join(fixtures, `${source}.safetensors`), join(folder, `${name}.safetensors`));
}

test("parity replays a folder on both backends, names what is not built and finds planted errors", () => {
  record("right", "adapter-linear", () => undefined);
  record("wrong-scale", "adapter-linear", (settings) => (settings["scale"] = 20.1));
  record("unknown", "adapter-linear", (settings) => (settings["kind"] = "router"));
  const outcome = runCli("parity", folder);
  for (const backend of ["webgpu", "cpu   "]) {
    expect(outcome.stdout).toContain(`ok     ${backend} right: losses `);
    expect(outcome.stdout).toContain(`FAILED ${backend} wrong-scale: losses `);
    expect(outcome.stdout).toContain(`FAILED ${backend} unknown: kind "router" is not built yet`);
  }
  expect(outcome.stdout.trimEnd().split("\n").at(-1)).toBe("2 passed, 4 failed");
  expect(outcome.code).toBe(1);
});

test("parity of a folder that all passes ends with exit code 0", () => {
  for (const name of ["wrong-scale", "unknown"]) {
    for (const ending of ["json", "safetensors"]) rmSync(join(folder, `${name}.${ending}`));
  }
  const outcome = runCli("parity", folder);
  expect(outcome.stdout.trimEnd().split("\n").at(-1)).toBe("2 passed, 0 failed");
  expect(outcome.code).toBe(0);
});

test("parity of a folder without fixtures is bad input", () => {
  const outcome = runCli("parity", join(folder, "none"));
  expect(outcome.code).toBe(2);
  expect(outcome.stderr).toContain("none cannot be read");
});
