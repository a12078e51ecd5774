import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { writeJob } from "./planted.ts";
import { errorLines, runCliIn, type Outcome } from "./spawn.ts";
import { tunedFolder } from "./tuned-jobs.ts";

const folder = tunedFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(job: object, out: string): Outcome {
  const file = writeJob(folder, { backend: "cpu", seed: 1, train: "train.json", ...job }, `${out}.job.json`);
  return runCliIn({ RETUNE_CACHE: join(folder, "cache") }, "retune", "run", file, "--out", join(folder, out));
}
const read = (...path: readonly string[]): string => readFileSync(join(folder, ...path), "utf8");
const refusals = (outcome: Outcome): readonly string[] =>
  errorLines(outcome).filter((line) => line.startsWith("retune:"));

interface Report {
  readonly questions: number;
  readonly mined: number;
  readonly rescored: boolean;
}

describe("a mine job", () => {
  test("writes negatives that an encoder's job takes, training rows and Cohere's file", () => {
    const job = {
      ...{ task: "mine", retriever: "./st-tiny-5x", formats: ["triplet", "labeled-list"] },
      mining: { negatives: 2, random: 1, relativeMargin: 0, rangeMax: 12 },
      ...{ crossEncoder: "./cross-encoder-tiny", cohere: { method: "cosine", negatives: 2 } },
    };
    const outcome = run(job, "mine");
    expect(refusals(outcome)).toEqual([]);
    expect(outcome.stdout).toMatch(/positive\s+negative\s+difference/);
    const { report, search } = JSON.parse(read("mine", "run.json")) as { report: Report; search: string };
    expect(search).toBe("hybrid");
    expect(report).toMatchObject({ questions: 48, rescored: true });
    const negatives = JSON.parse(read("mine", "mined-negatives.json")) as Record<string, string[]>;
    expect(Object.keys(negatives)).toHaveLength(48);
    expect(Object.values(negatives).every((own) => own.length <= 3)).toBe(true);
    const rows = read("mine", "mined-triplet.jsonl").trimEnd().split("\n");
    expect(rows).toHaveLength(Object.values(negatives).flat().length);
    const cohere = read("mine", "cohere.jsonl").trimEnd().split("\n");
    expect(cohere).toHaveLength(48);
    expect(cohere[0]).toMatch(/^\{"query":".*","relevant_passages":\["[^"]+"\],"hard_negatives":\["/);

    const encoder = {
      task: "encoder",
      model: "./tiny-bert",
      epochs: 1,
      negatives: "mine/mined-negatives.json",
    };
    expect(refusals(run(encoder, "encoder"))).toEqual([]);
  });

  test("without a retriever searches by words, and refuses what needs vectors", () => {
    expect(refusals(run({ task: "mine" }, "words"))).toEqual([]);
    expect((JSON.parse(read("words", "run.json")) as { search: string }).search).toBe("bm25");
    expect(refusals(run({ task: "mine", search: "dense" }, "bad"))[0]).toMatch(
      /field "retriever" is missing/,
    );
    const window = { task: "mine", mining: { rangeMin: 5, rangeMax: 3 } };
    expect(refusals(run(window, "bad"))[0]).toMatch(/bad\.job\.json: field "mining".*5 to 3 are no window/);
    expect(refusals(run({ task: "mine", mining: { margin: 1 } }, "bad"))[0]).toMatch(/"mining.margin"/);
  });
});

test("a re-ranker's job mines as it is told, and takes a file or a way to mine, not both", () => {
  const job = { task: "cross-encoder", model: "./cross-encoder-tiny", epochs: 1, mining: { negatives: 5 } };
  expect(refusals(run(job, "cross"))).toEqual([]);
  expect(JSON.parse(read("cross", "run.json"))).toMatchObject({ pairs: 48 * 6 });
  const both = { ...job, negatives: "train.json" };
  expect(refusals(run(both, "bad"))[0]).toMatch(/"negatives" and "mining" exclude each other/);
});

describe("the arms of LlamaIndex's experiment", () => {
  const job = {
    ...{ task: "rerank-arms", validation: "validation.json", retriever: "./st-tiny-5x" },
    ...{ model: "./cross-encoder-tiny", epochs: 1, negatives: 3, retrieve: 8, keep: 4 },
  };
  interface Arm {
    readonly name: string;
    readonly pairs?: number;
    readonly mrr: { readonly value: number; readonly low: number; readonly high: number };
    readonly hitRate: { readonly value: number };
    readonly gain: object | null;
  }

  test("are all five judged with intervals, each trained on the file it leaves behind", () => {
    const outcome = run(job, "arms");
    expect(refusals(outcome)).toEqual([]);
    const { arms } = JSON.parse(read("arms", "run.json")) as { arms: readonly Arm[] };
    expect(arms.map(({ name, pairs }) => [name, pairs])).toEqual([
      ["no re-ranker", undefined],
      ["base", undefined],
      ["no negatives", 96],
      ["random", 192],
      ["mined", 192],
    ]);
    for (const { name, mrr, hitRate, gain } of arms) {
      expect(mrr.low).toBeLessThanOrEqual(mrr.value);
      expect(mrr.high).toBeGreaterThanOrEqual(mrr.value);
      expect(hitRate.value).toBeGreaterThanOrEqual(mrr.value);
      expect(gain === null).toBe(name === "no re-ranker");
    }
    expect(read("arms", "arm-none.jsonl")).toMatch(/"hard_negatives":\[\]\}\n/);
    const rows = read("arms", "questions.jsonl").trimEnd().split("\n");
    expect(rows).toHaveLength(24);
    expect(outcome.stdout).toMatch(/MRR@4\s+hit@4\s+against none/);
  });

  test("leave the base out, and say so, where an encoder is trained from", () => {
    expect(refusals(run({ ...job, model: "./tiny-bert" }, "fresh"))).toEqual([]);
    const { arms, notes } = JSON.parse(read("fresh", "run.json")) as { arms: Arm[]; notes: string[] };
    expect(arms.map(({ name }) => name)).toEqual(["no re-ranker", "no negatives", "random", "mined"]);
    expect(notes[0]).toMatch(/^No base arm: .* is an encoder/);
  });
});
