import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Dataset } from "../../../../src/domain/data/dataset.ts";
import { judgedTexts, minedTable, type MinedFormat } from "../../../../src/domain/data/mining/mined-rows.ts";
import { denseSearch } from "../../../../src/domain/data/mining/passage-search.ts";
import { PEER_DEFAULTS, type MiningSettings } from "../../../../src/domain/data/mining/settings.ts";
import { mineInBlocks, type MinedPreview } from "../../../../src/domain/data/negatives.ts";
import type { Matrix } from "../../../../src/domain/matrix.ts";
import { expectClose } from "../../../close.ts";

// sentence-transformers' mine_hard_negatives over stored vectors: tests/fixtures/mining/make_reference.py.

type Cell = string | number | readonly string[] | readonly number[];
interface PeerCase {
  readonly name: string;
  readonly settings: Readonly<Record<string, number | boolean | string>>;
  readonly outputs: Readonly<
    Record<string, { readonly columns: readonly string[]; readonly rows: readonly (readonly Cell[])[] }>
  >;
  readonly printed: readonly string[];
  readonly options: readonly number[];
}
interface Reference {
  readonly questions: readonly string[];
  readonly passages: readonly string[];
  readonly relevant: readonly (readonly number[])[];
  readonly questionVectors: readonly (readonly number[])[];
  readonly passageVectors: readonly (readonly number[])[];
  readonly crossScores: readonly (readonly number[])[];
  readonly cases: readonly PeerCase[];
}

const file = new URL("../../../fixtures/mining/reference.json", import.meta.url);
const peer = JSON.parse(readFileSync(file, "utf8")) as Reference;
const matrix = (rows: readonly (readonly number[])[]): Matrix => ({
  rows: rows.length,
  columns: rows[0]!.length,
  values: Float32Array.from(rows.flat()),
});
const dataset: Dataset = {
  passages: peer.passages.map((text, index) => ({ id: `p${index}`, text })),
  queries: peer.questions.map((text, index) => ({
    id: `q${index}`,
    text,
    relevant: peer.relevant[index]!.map((passage) => ({ passage: `p${passage}`, grade: 1 })),
  })),
};

function settingsOf({ settings }: PeerCase): MiningSettings {
  const names = {
    num_negatives: "negatives",
    range_min: "rangeMin",
    range_max: "rangeMax",
    sampling_strategy: "sampling",
    min_score: "minScore",
    max_score: "maxScore",
    absolute_margin: "absoluteMargin",
    relative_margin: "relativeMargin",
    include_positives: "includePositives",
  } as const;
  const own = Object.entries(names).flatMap(([theirs, ours]) =>
    settings[theirs] === undefined ? [] : [[ours, settings[theirs]]],
  );
  return { ...PEER_DEFAULTS, ...(Object.fromEntries(own) as Partial<MiningSettings>) };
}

function mined(given: PeerCase, change: Partial<MiningSettings> = {}): Promise<MinedPreview> {
  const search = denseSearch({
    queries: matrix(peer.questionVectors),
    corpus: matrix(peer.passageVectors),
  });
  const rescore = given.settings["cross"]
    ? (pairs: readonly (readonly [number, number])[]) =>
        Promise.resolve(Float32Array.from(pairs, ([q, p]) => peer.crossScores[q]![p]!))
    : null;
  return mineInBlocks(dataset, search, { ...settingsOf(given), ...change }, rescore);
}

function expectRows(ours: readonly (readonly Cell[])[], theirs: readonly (readonly Cell[])[]): void {
  const texts = (rows: readonly (readonly Cell[])[]) =>
    rows.map((row) =>
      row.filter((cell) => typeof cell === "string" || typeof (cell as string[])[0] === "string"),
    );
  expect(texts(ours)).toEqual(texts(theirs));
  const numbers = (rows: readonly (readonly Cell[])[]): number[] =>
    rows.flatMap((row) => row.flat().filter((cell) => typeof cell === "number"));
  expectClose(numbers(ours), numbers(theirs), { absolute: 2e-6 });
}

const ordered = peer.cases.filter(({ settings }) => settings["sampling_strategy"] !== "random");

describe.each(ordered.map((each) => [each.name, each] as const))("mined with %s", (_name, given) => {
  test.each(Object.keys(given.outputs))("%s: the rows sentence-transformers makes", async (output) => {
    const { columns, rows } = given.outputs[output]!;
    const [format, scores] = [output.split(" ")[0] as MinedFormat, output.endsWith(" scores")];
    const perQuestion = settingsOf(given).negatives;
    const table = minedTable(judgedTexts(dataset, await mined(given)), format, { scores, perQuestion });
    expect(table.columns).toEqual(columns);
    expectRows(table.rows, rows);
  });

  test("the counts and the score table it prints", async () => {
    const { report } = await mined(given);
    for (const [printed, ours] of [
      ["Mean", "mean"],
      ["Std", "std"],
      ["Min", "min"],
      ["25%", "quarter"],
      ["50%", "median"],
      ["75%", "threeQuarters"],
      ["Max", "max"],
    ] as const) {
      const line = given.printed.find((text) => text.startsWith(`${printed} `))!;
      const shown = [report.positiveScores, report.negativeScores, report.differences];
      expectClose(
        shown.map((summary) => summary[ours]),
        line.split(/\s+/).slice(1).map(Number),
        { absolute: 6e-5 },
        printed,
      );
    }
    const { absoluteMargin, relativeMargin, maxScore, minScore } = report.skipped;
    expect(skippedBy(given, "absolute_margin")).toBe(absoluteMargin);
    expect(skippedBy(given, "relative_margin")).toBe(relativeMargin);
    expect(skippedBy(given, "max_score")).toBe(maxScore);
    if (minScore > 0) {
      // It counts under min_score also what was taken out before: positives, padding and what a margin met.
      const looked = report.questions * (report.rangeMax + 2);
      const before = looked - report.candidates + absoluteMargin + relativeMargin + maxScore;
      expect(skippedBy(given, "min_score")).toBe(minScore + before);
    }
  });
});

function skippedBy({ printed }: PeerCase, name: string): number {
  const line = printed.find((text) => text.startsWith("Skipped") && text.includes(`the ${name} of`));
  return line === undefined ? 0 : Number(/Skipped ([\d,]+)/.exec(line)![1]!.replaceAll(",", ""));
}

describe.each(peer.cases.filter((each) => !ordered.includes(each)).map((each) => [each.name, each] as const))(
  "mined %s",
  (_name, given) => {
    test("both draw as many, from the same passages, and put them in order", async () => {
      const settings = settingsOf(given);
      const whole = settings.rangeMax! - settings.rangeMin;
      const windows = await mined(given, { sampling: "top", negatives: whole });
      const drawn = await mined(given);
      const asked = drawn.queries.map((_, question) => peer.questions.indexOf(peer.questions[question]!));
      const first = [...new Set(asked)];
      expect(
        first.map((question) => Math.max(settings.negatives, windows.queries[question]!.length)),
      ).toEqual(given.options);
      const rows = given.outputs["triplet scores"]!.rows;
      for (const question of first) {
        const window = windows.queries[question]!.map(({ passage }) => peer.passages[passage]!);
        const ours = drawn.queries[question]!.map(({ passage }) => peer.passages[passage]!);
        const right = peer.passages[drawn.positives[question]![0]!.passage]!;
        const theirs = rows.flatMap(([anchor, positive, negative]) =>
          anchor === peer.questions[question] && positive === right ? [negative as string] : [],
        );
        expect(ours).toHaveLength(Math.min(window.length, settings.negatives));
        expect(window).toEqual(expect.arrayContaining([...ours, ...theirs]));
        expect(ours).toEqual(window.filter((text) => ours.includes(text)));
      }
    });
  },
);

test("another seed draws others", async () => {
  const given = peer.cases.find(({ name }) => name === "drawn")!;
  const [one, same, other] = await Promise.all([1, 1, 2].map((seed) => mined(given, { seed })));
  expect(one!.queries).toEqual(same!.queries);
  expect(one!.queries).not.toEqual(other!.queries);
});
