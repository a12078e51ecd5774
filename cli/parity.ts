import type { Backend } from "../src/engine/backend.ts";
import { RetuneError } from "../src/engine/errors.ts";
import { readFixtures, type FixtureEntry } from "./parity/fixture.ts";
import { replayAdapter } from "./parity/replay-adapter.ts";
import { replayDecoder } from "./parity/replay-decoder.ts";
import { replaySequence } from "./parity/replay-sequence.ts";
import type { Check } from "./parity/compare.ts";
import { openBackend } from "./ports/backend.ts";

const USAGE = `usage: npm run -s parity -- DIR

Replays every recorded training run of DIR (NAME.json beside NAME.safetensors) on the WebGPU and the CPU backend and
prints the largest error of each check as |a − b| / max(1, |b|). A kind that is not built yet counts as failed.`;

/** Prints one line a fixture and backend, then "N passed, N failed". Exit code 0 only where all passed. */
export async function main(argv: readonly string[], { root }: { readonly root: string }): Promise<number> {
  const folder = argv[0];
  if (folder === undefined || argv.length > 1 || folder.startsWith("-")) {
    const asked = folder === "--help" || folder === "-h";
    (asked ? process.stdout : process.stderr).write(`${USAGE}\n`);
    return asked ? 0 : 2;
  }
  try {
    const entries = await readFixtures(folder);
    return await replayAll(entries, root);
  } catch (error) {
    if (!(error instanceof RetuneError)) throw error;
    process.stderr.write(`parity: ${error.message}\n`);
    return 2;
  }
}

async function replayAll(entries: readonly FixtureEntry[], root: string): Promise<number> {
  const tally = { passed: 0, failed: 0 };
  for (const kind of ["webgpu", "cpu"] as const) {
    const backend = await openBackend(kind, root).catch((error: unknown) => error);
    for (const entry of entries) {
      const outcome = await replayOne(entry, backend);
      tally[outcome.passed ? "passed" : "failed"]++;
      process.stdout.write(
        `${outcome.passed ? "ok    " : "FAILED"} ${kind.padEnd(6)} ${entry.name}: ${outcome.text}\n`,
      );
    }
    if (isBackend(backend)) backend.dispose();
  }
  process.stdout.write(`\n${tally.passed} passed, ${tally.failed} failed\n`);
  return tally.failed === 0 ? 0 : 1;
}

interface Outcome {
  readonly passed: boolean;
  readonly text: string;
}

async function replayOne(entry: FixtureEntry, backend: unknown): Promise<Outcome> {
  if ("problem" in entry) return { passed: false, text: entry.problem };
  if (!isBackend(backend)) return { passed: false, text: `the backend did not open: ${String(backend)}` };
  try {
    const { fixture } = entry;
    const checks = await replay(fixture, backend);
    return { passed: checks.every((one) => one.passed), text: summary(checks) };
  } catch (error) {
    return { passed: false, text: error instanceof Error ? error.message : String(error) };
  }
}

function replay(
  fixture: Extract<FixtureEntry, { fixture: unknown }>["fixture"],
  backend: Backend,
): Promise<readonly Check[]> {
  switch (fixture.kind) {
    case "adapter":
      return replayAdapter(fixture, backend);
    case "decoder-lora":
      return replayDecoder(fixture, backend);
    default:
      return replaySequence(fixture, backend);
  }
}

function isBackend(value: unknown): value is Backend {
  return typeof value === "object" && value !== null && "prepare" in value;
}

/** The largest error of each kind of check; what failed with its place. */
function summary(checks: readonly Check[]): string {
  const worst = new Map<string, number>();
  for (const { name, worst: error } of checks) {
    const kind = name.split(".")[0]!;
    worst.set(kind, Math.max(worst.get(kind) ?? 0, error));
  }
  const numbers = [...worst].map(([name, error]) => `${name} ${error === 0 ? "0" : error.toExponential(1)}`);
  const failures = checks
    .filter((one) => !one.passed)
    .map(({ name, detail }) => `\n         ${name}: ${detail}`);
  return numbers.join(", ") + failures.join("");
}
