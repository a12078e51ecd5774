import { describe, expect, test } from "vitest";
import { clusterFolder } from "../../../src/app/jobs/cluster-export.ts";
import type { ClusterRow } from "../../../src/domain/formats/cluster-folder.ts";
import type {
  EncoderData,
  EncoderLoss,
  EncoderSettings,
} from "../../../src/domain/recipes/encoder/encoder-job.ts";
import { tinyJob } from "../../domain/recipes/encoder/tiny-job.ts";

const dataset = tinyJob().data.dataset;
const wrongOf = (index: number): string[] => [5, 9, 13].map((ahead) => `p${(index + ahead) % 48}`);
const negatives = Object.fromEntries(
  dataset.queries.map(({ id }, index) => [id, wrongOf(Math.floor(index / 2))]),
);
const teacher = Object.fromEntries(
  dataset.queries.map(({ id, relevant }) => [
    id,
    {
      [relevant[0]!.passage]: 4,
      ...Object.fromEntries(negatives[id]!.map((wrong, place) => [wrong, 2 - place])),
    },
  ]),
);

interface Folder {
  readonly rows: readonly ClusterRow[];
  readonly batches: readonly (readonly number[])[];
  readonly config: Readonly<Record<string, unknown>>;
}

function folderOf(settings: Partial<EncoderSettings>, data: Partial<EncoderData> = {}): Folder {
  const job = tinyJob({ validation: "none", epochs: 3, ...settings });
  const { files } = clusterFolder({ ...job, data: { dataset, ...data } });
  const text = (name: string): string => new TextDecoder().decode(files.get(name));
  const lines = <T>(name: string): T[] =>
    text(name)
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as T);
  return {
    rows: lines("train.jsonl"),
    batches: lines("batches.jsonl"),
    config: JSON.parse(text("config.json")) as Folder["config"],
  };
}

const losses: readonly EncoderLoss[] = [
  { kind: "mnrl" },
  { kind: "cached-mnrl" },
  { kind: "symmetric-mnrl" },
  { kind: "triplet" },
  { kind: "cosent" },
  { kind: "margin-mse" },
  { kind: "kl-distillation", temperature: 0.5 },
];

describe.each(losses)("$kind", (loss) => {
  test("every step has its questions, and each epoch asks every question once", () => {
    const { rows, batches, config } = folderOf({ loss }, { negatives, teacher });
    const asked = batches.flat().map((row) => rows[row]!.anchor);
    expect(asked).toHaveLength(3 * dataset.queries.length);
    for (const { text } of dataset.queries) expect(asked.filter((own) => own === text)).toHaveLength(3);
    expect(config["loss"]).toMatchObject({ kind: loss.kind === "cached-mnrl" ? "mnrl" : loss.kind });
  });
});

test("wrong passages come in turn by epoch, with the scores that a distillation reads", () => {
  const loss = { kind: "margin-mse" } as const;
  const { rows, batches } = folderOf({ loss, mode: "compatible" }, { negatives, teacher });
  const { text, id, relevant } = dataset.queries[0]!;
  const own = batches.flat().flatMap((row) => (rows[row]!.anchor === text ? [rows[row]!] : []));
  expect(own.map((row) => row.negatives.map((wrong) => wrong.id))).toEqual(
    negatives[id]!.map((wrong) => [wrong]),
  );
  expect(own.map(({ score, negatives: [wrong] }) => [score, wrong!.score])).toEqual([
    [4, 2],
    [4, 1],
    [4, 0],
  ]);
  expect(own[0]!.right).toEqual([relevant[0]!.passage]);
});

test("a ranking loss takes no scores along, and a question without a wrong passage borrows its neighbour's", () => {
  const [first] = dataset.queries;
  const { rows } = folderOf({ epochs: 1 }, { negatives: { ...negatives, [first!.id]: [] }, teacher });
  expect(rows.every((row) => row.score === undefined && row.negatives.length === 1)).toBe(true);
  const borrowed = rows.find(({ anchor }) => anchor === first!.text)!.negatives[0]!;
  expect(rows.map(({ id }) => id)).toContain(borrowed.id);
});

test("general questions are held by as many a step as a run here holds", () => {
  const anchors = ["how do I cook rice", "who wrote Emma", "what is a prime number"];
  const { config } = folderOf({ anchorWeight: 0.5 }, { anchors });
  expect(config).toMatchObject({ anchors, anchors_per_step: 3, anchor_weight: 0.5 });
});
