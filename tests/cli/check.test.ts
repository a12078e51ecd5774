import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, test } from "vitest";
import { errorLines, runCli } from "./spawn.ts";

const folder = mkdtempSync(join(tmpdir(), "retune-check-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const guide = resolve(process.env["RETUNE_SHARED"] ?? "../shared", "data", "lyft-uber-10k");

function planted(
  name: string,
  questions: Readonly<Record<string, string>>,
  corpus: Readonly<Record<string, string>>,
) {
  const relevant = Object.fromEntries(
    Object.keys(questions).map((id, index) => [id, [Object.keys(corpus)[index]!]]),
  );
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify({ queries: questions, corpus, relevant_docs: relevant }));
  return path;
}

const train = planted(
  "train.json",
  { a: "Who cleans the ovens at night?" },
  { p: "The night crew cleans the ovens after the last loaf has left, and writes it into the blue book." },
);
const data = planted(
  "data.json",
  { k: "who cleans the OVENS at night?", l: "According to the context information, who signs the lease?" },
  {
    x: "The night crew cleans the ovens after the last loaf has left, and nobody else touches them before five.",
    y: "The owner signs the lease in March; a copy goes to the bank and one to the drawer in the office.",
  },
);

test("prints what it found and writes everything as JSON", () => {
  const out = join(folder, "found.json");
  const outcome = runCli("retune", "check", data, "--against", train, "--out", out);
  expect(errorLines(outcome).filter((line) => line.startsWith("retune:"))).toEqual([]);
  expect(outcome.stdout).toContain("1 of 2 questions flagged");
  expect(outcome.stdout).toMatch(/same-question\s+1 of 2/);
  const found = JSON.parse(readFileSync(out, "utf8")) as {
    gate: { flags: Record<string, { kind: string }[]> };
    leaks: { questions: string[]; leaks: { kind: string; test: string; train: string }[] };
  };
  expect(found.gate.flags["l"]!.map(({ kind }) => kind)).toEqual(["context"]);
  expect(found.leaks.questions).toEqual(["k"]);
  expect(found.leaks.leaks.map(({ kind, test: id }) => [kind, id])).toEqual([
    ["same-question", "k"],
    ["overlap", "x"],
  ]);
});

test("without --against there are flags alone, and bad input is named", () => {
  const outcome = runCli("retune", "check", data);
  expect(outcome.code).toBe(0);
  expect(outcome.stdout).not.toContain("seen in training");
  const refused = runCli("retune", "check", data, "--top", "none");
  expect(refused.code).toBe(2);
  expect(errorLines(refused).join("\n")).toContain('--top must be a whole number of at least 1, got "none"');
});

test.runIf(existsSync(guide))("on the guide's data it counts what the reference counts", () => {
  const path = (name: string): string => join(guide, `${name}_dataset.json`);
  const outcome = runCli("retune", "check", path("val"), "--against", path("train"));
  const count = (pattern: RegExp): number => Number(pattern.exec(outcome.stdout)?.[1]);
  expect(Math.abs(count(/context\s+(\d+)/) - 104)).toBeLessThanOrEqual(5);
  expect(Math.abs(count(/overlap\s+(\d+) of 395/) - 14)).toBeLessThanOrEqual(2);
  expect(count(/(\d+) right passages have a near-copy/)).toBe(18);
});
