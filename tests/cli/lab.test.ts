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
    const settings = { skipBadRows: true, steps: 1, judge: "./tiny-decoder" };
    const done = run({ ...sft, train: "bad.jsonl", ...settings }, "skipped");
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

describe("systems that ask more than base and tuned", () => {
  const COLOURS = ["red", "blue", "green", "white", "black", "pink", "brown", "grey"];
  const text = (row: number): string => `the flag of house ${row} is ${COLOURS[row % 8]}`;

  test("memorising asks about what was learnt, controls, a canary and what is replayed, with RAG beside", () => {
    const facts = Array.from({ length: 8 }, (_, row) => ({
      ...{ question: `flag of house ${row}?`, answer: COLOURS[row], paraphrases: [`house ${row} flag?`] },
      context: text(row),
    }));
    const canary = { canary: "the key is {}", secret: "seven", alternatives: ["three", "nine", "eight"] };
    writeRows(folder, "facts.jsonl", [...facts, canary, { replay: true, question: "a?", answer: "b" }]);
    const settings = { lora: { rank: 4 }, steps: 40, batchSize: 7, learningRate: 1e-2, maxNewTokens: 6 };
    const outcome = run({ task: "memorise", train: "facts.jsonl", ...settings, testShare: 0.25 }, "facts");
    expect(errorLines(outcome).filter((line) => line.startsWith("retune:"))).toEqual([]);
    const record = recordOf("facts");
    expect(record["rows"]).toMatchObject({ train: 7, test: 10 });
    expect(Object.keys(record.tuned)).toEqual(
      expect.arrayContaining(["seen", "paraphrased", "control", "exposure", "replayPerplexity", "ragSeen"]),
    );
    expect(record.tuned["seenF1"]!).toBeGreaterThanOrEqual(record.base["seenF1"]!);
    expect(record.tuned["exposure"]).toBe(2); // the secret is the likeliest of four
  });

  test("RA-DIT tunes the retriever too, and writes a table of both retrievers and both models", () => {
    const rows = Array.from({ length: 16 }, (_, row) => ({
      ...{ question: `flag of house ${row}?`, answer: COLOURS[row % 8], context: text(row) },
      contexts: [text((row + 1) % 16), text((row + 2) % 16)],
    }));
    writeRows(folder, "radit.jsonl", rows);
    const settings = { lora: { rank: 4 }, steps: 12, batchSize: 8, learningRate: 1e-2, maxNewTokens: 4 };
    const job = {
      task: "ra-dit",
      train: "radit.jsonl",
      ...settings,
      topK: 2,
      retrieval: { candidates: 4, epochs: 4 },
    };
    const outcome = run({ ...job, export: ["peft", "merged", "gguf"] }, "radit");
    expect(errorLines(outcome).filter((line) => line.startsWith("retune:"))).toEqual([]);
    const { table, retrieval, hits } = recordOf("radit") as unknown as {
      table: { retriever: string; model: string; figures: Record<string, number> }[];
      retrieval: { divergence: { before: number; after: number }; passages: number };
      hits: Record<string, { hitAt1: number }>;
    };
    expect(table.map(({ retriever, model }) => `${retriever} ${model}`)).toEqual([
      ...["base base", "base tuned", "tuned base", "tuned tuned"],
    ]);
    expect(retrieval.divergence.after).toBeLessThanOrEqual(retrieval.divergence.before);
    expect(retrieval.passages).toBe(16);
    expect(Object.keys(hits)).toEqual(["base", "tuned"]);
    for (const file of [
      ...["peft/adapter_model.safetensors", "merged/model.safetensors", "gguf/adapter.gguf"],
      ...["llamaindex/pytorch_model.bin", "peft/README.md"],
    ]) {
      expect(existsSync(join(folder, "radit", file)), file).toBe(true);
    }
  });
});
