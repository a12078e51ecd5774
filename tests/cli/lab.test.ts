import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { questionText } from "../../src/domain/lab/question-prompt.ts";
import { labFolder, writeRows } from "./lab-folder.ts";
import { writeJob } from "./planted.ts";
import { errorLines, runCliIn, type Outcome } from "./spawn.ts";

const folder = labFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const variables = { RETUNE_CACHE: join(folder, "cache") };
const shared = { model: "./tiny-decoder", backend: "cpu", threads: 1, seed: 1 };

function run(job: object, out: string): Outcome {
  const file = writeJob(folder, { ...shared, ...job }, `${out}.job.json`);
  return runCliIn(variables, "retune", "run", file, "--out", join(folder, out));
}

interface LabRecord {
  readonly base: Readonly<Record<string, number>>;
  readonly tuned: Readonly<Record<string, number>>;
  readonly delta: Readonly<Record<string, { value: number; low: number; high: number; p: number }>>;
  readonly [field: string]: unknown;
}

function recordOf(out: string): LabRecord {
  return JSON.parse(readFileSync(join(folder, out, "run.json"), "utf8")) as LabRecord;
}

const chats = Array.from({ length: 24 }, (_, row) => {
  const content = questionText([`item ${row} is red`], `what is item ${row}?`);
  const messages = [
    { role: "user", content },
    { role: "assistant", content: "red" },
  ];
  return { messages, document: `d${row % 12}` };
});
writeRows(folder, "chats.jsonl", chats);

const sft = {
  ...{ task: "sft", train: "chats.jsonl", lora: { rank: 4, alpha: 8 }, steps: 12, batchSize: 4 },
  ...{ learningRate: 1e-2, maxNewTokens: 6 },
};

describe("a job of the lab", () => {
  test("trains on some groups, asks base and tuned about others, and says what came of it", () => {
    const outcome = run({ ...sft, pricePerMillion: 8 }, "sft");
    expect(errorLines(outcome).filter((line) => line.startsWith("retune:"))).toEqual([]);
    expect(outcome.code).toBe(0);
    const record = recordOf("sft");
    expect(record.tuned["perplexity"]!).toBeLessThan(record.base["perplexity"]! / 2);
    expect(record.delta["perplexity"]!.high).toBeLessThan(0);
    expect(record["verdict"]).toBe("better");
    expect(record["rows"]).toMatchObject({ train: 18, validation: 2, test: 4, replay: 0 });
    expect(record["estimate"]).toMatchObject({ examples: 18, epochs: 5, faults: {} });
    expect(record["openings"]).toBeNull();
    const lines = readFileSync(join(folder, "sft", "answers.jsonl"), "utf8")
      .trim()
      .split("\n");
    expect(lines).toHaveLength(4);
    const first = JSON.parse(lines[0]!) as { answers: Record<string, { text: string }>; wanted: string };
    expect(first.wanted).toBe("red");
    expect(Object.keys(first.answers)).toEqual(["base", "tuned"]);
    expect(outcome.stdout).toContain("perplexity: better");
  });

  test("gives the same figures again", () => {
    run(sft, "again");
    const [one, other] = [recordOf("sft"), recordOf("again")];
    expect([other.base, other.tuned, other.delta]).toEqual([one.base, one.tuned, one.delta]);
  });
});

describe("a job of the lab that cannot be done", () => {
  test("names the field, and touches nothing", () => {
    const outcome = run({ ...sft, lora: { rank: 0 } }, "refused");
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toContain('field "lora.rank" must be a whole number of at least 1, got 0');
    expect(existsSync(join(folder, "refused"))).toBe(false);
  });

  test("names the line of a bad row, or leaves it out where that was asked for", () => {
    writeRows(folder, "bad.jsonl", [...chats, { messages: [{ role: "robot", content: "?" }] }]);
    const refused = run({ ...sft, train: "bad.jsonl" }, "bad");
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/field "train".*line 25: message 1 the role is "robot"/);
    const done = run({ ...sft, train: "bad.jsonl", skipBadRows: true, steps: 1 }, "skipped");
    expect(done.code).toBe(0);
    expect(recordOf("skipped")["notes"]).toContainEqual(
      expect.stringMatching(/^train, line 25: .*left out$/),
    );
  });

  test("says where the model is looked for", () => {
    const outcome = run({ ...sft, model: "no-such-model" }, "missing");
    expect(outcome.stderr).toContain('model "no-such-model"');
  });
});
