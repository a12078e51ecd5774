import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { LexicalIndex } from "../../../src/domain/eval/bm25.ts";
import { expectedCalibrationError, wilson } from "../../../src/domain/eval/calibration.ts";
import { fitIsotonic, isotonicProbability } from "../../../src/domain/eval/isotonic.ts";
import { pairedDeltas, type ClusteredDifferences } from "../../../src/domain/eval/statistics.ts";
import { expectClose } from "../../close.ts";

/** Made by tests/fixtures/eval/make_statistics.py with the versions named in it. */
interface Reference {
  readonly versions: Readonly<Record<string, string>>;
  readonly bootstrap: readonly {
    readonly name: string;
    readonly sizes: readonly number[];
    readonly sums: readonly number[];
    readonly low: number;
    readonly high: number;
  }[];
  readonly permutation: readonly {
    readonly name: string;
    readonly sums: readonly number[];
    readonly p: number;
  }[];
  readonly bm25: {
    readonly passages: readonly string[];
    readonly questions: readonly string[];
    readonly scores: readonly (readonly number[])[];
    readonly factor: number;
  };
  readonly isotonic: readonly {
    readonly scores: readonly number[];
    readonly right: readonly number[];
    readonly fitted: readonly number[];
  }[];
  readonly ece: {
    readonly probability: readonly number[];
    readonly right: readonly number[];
    readonly ece: number;
  };
  readonly wilson: readonly {
    readonly right: number;
    readonly count: number;
    readonly low: number;
    readonly high: number;
  }[];
}

const reference = JSON.parse(
  readFileSync(new URL("../../fixtures/eval/statistics.json", import.meta.url), "utf8"),
) as Reference;

const differences = (sums: readonly number[], sizes = sums.map(() => 1)): ClusteredDifferences => ({
  metrics: 1,
  sums: Float64Array.from(sums),
  sizes: Float64Array.from(sizes),
});

test.each(reference.bootstrap)(
  "the cluster bootstrap's interval is scipy's within sampling error: $name",
  (made) => {
    const own = differences(made.sums, [...made.sizes]);
    const [delta] = pairedDeltas(own, { seed: 3, resamples: 50_000, flips: 1 });
    const width = made.high - made.low;
    expectClose([delta!.low, delta!.high], [made.low, made.high], { absolute: 0.015 * width });
    const usual = pairedDeltas(own, { seed: 3, flips: 1 })[0]!; // 2,000 resamples, as verdicts take
    expectClose([usual.low, usual.high], [made.low, made.high], { absolute: 0.06 * width });
  },
);

test.each(reference.permutation.filter(({ sums }) => sums.length <= 20))(
  "sign flips of few clusters are scipy's exact permutation test: $name",
  ({ sums, p }) => {
    expectClose([pairedDeltas(differences(sums), { seed: 1 })[0]!.p], [p], { absolute: 1e-12 });
  },
);

test.each(reference.permutation.filter(({ sums }) => sums.length > 20))(
  "sign flips of many clusters are scipy's within sampling error: $name",
  ({ sums, p }) => {
    const own = pairedDeltas(differences(sums), { seed: 1 })[0]!.p;
    expectClose([own], [p], { absolute: 4 * Math.sqrt((p * (1 - p)) / 10_000) + 1e-4 });
  },
);

test("BM25 is bm25s' Lucene variant times k₁ + 1, which orders nothing", () => {
  const { passages, questions, scores, factor } = reference.bm25;
  const own = new LexicalIndex(passages).scores(questions);
  expectClose(
    own.values,
    scores.flat().map((score) => factor * score),
    { absolute: 1e-5 },
  );
});

test.each(reference.isotonic)(
  "isotonic steps at the examples are scikit-learn's",
  ({ scores, right, fitted }) => {
    const steps = fitIsotonic(
      scores.map((score, index) => ({ score, right: right[index] === 1, weight: 1 })),
    );
    expectClose(
      scores.map((score) => isotonicProbability(steps, score)),
      fitted,
      { absolute: 1e-6 },
    );
  },
);

test("the calibration error is numpy's over the same ten bins", () => {
  const { probability, right, ece } = reference.ece;
  const answers = probability.map((value, index) => ({ probability: value, right: right[index] === 1 }));
  expectClose([expectedCalibrationError(answers)], [ece], { absolute: 1e-12 });
});

test.each(reference.wilson)(
  "Wilson's interval of $right of $count is scipy's",
  ({ right, count, low, high }) => {
    const share = wilson(right, count);
    expectClose([share.low, share.high], [low, high], { absolute: 1e-12 });
    expect(share.value).toBe(right / count);
  },
);
