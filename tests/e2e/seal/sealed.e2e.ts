import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { foreignTargets } from "./net-log.ts";

interface SealedRun {
  readonly port: number;
  readonly exported: string;
  readonly sent: string;
  readonly violations: readonly string[];
}

const folder = mkdtempSync(join(tmpdir(), "retune-sealed-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs sealed-run.mjs, behind `prefix`, and reads its line. */
function sealedRun(name: string, prefix: readonly string[]): SealedRun & { readonly log: string } {
  const log = join(folder, `${name}.json`);
  const command = [...prefix, process.execPath, "tests/e2e/seal/sealed-run.mjs", join(folder, name), log];
  const result = spawnSync(command[0]!, command.slice(1), { encoding: "utf8", timeout: 230_000 });
  const line = result.stdout.trim().split("\n").at(-1) ?? "";
  if (result.status !== 0 || !line.startsWith("{")) throw new Error(`${result.stdout}\n${result.stderr}`);
  return { ...(JSON.parse(line) as SealedRun), log };
}

describe("R10, R11: nothing leaves, and nothing from outside is needed", () => {
  test("E1: over import, training, evaluation and export the network log names no other place", () => {
    const run = sealedRun("log", []);
    expect(foreignTargets(run.log, run.port)).toEqual([]);
    expect(run.violations).toEqual([]);
    expect(run.sent).toContain("0 requests sent");
    expect(run.exported).toMatch(/\.zip$/);
  });

  test("E3: the same run passes in a network namespace that has only loopback", () => {
    const alone = ["unshare", "--net", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
    const outside = spawnSync(alone[0]!, [...alone.slice(1), "sh", "-c", "ip route | wc -l"], {
      encoding: "utf8",
    });
    expect(outside.stdout.trim(), outside.stderr).toBe("0"); // no way out of the namespace
    const run = sealedRun("namespace", alone);
    expect(run.exported).toMatch(/\.zip$/);
  });
});
