import { expect, test } from "vitest";
import { checkQuestions } from "../../../src/domain/data/gate.ts";
import { leakReport } from "../../../src/domain/data/leak-report.ts";
import type { Matrix } from "../../../src/domain/matrix.ts";
import { rowOf } from "../../../src/domain/matrix.ts";
import { guideData, type VectorSet } from "../recipes/training-sets.ts";

// The guide's own questions, in place: what the reference counts there (trainers.md §10.3–5).
const lyft = guideData("train");
const uber = guideData("val");
if (!lyft || !uber) {
  process.stdout.write(
    "../shared/data/lyft-uber-10k is absent: the gate's and the leak report's counts are not checked\n",
  );
}

const rows = (matrix: Matrix): Float32Array[] =>
  Array.from({ length: matrix.rows }, (_, row) => rowOf(matrix, row));

const sideOf = ({ queries, corpus }: VectorSet) => ({ questions: rows(queries), passages: rows(corpus) });

test.runIf(lyft && uber)(
  "of Lyft's and Uber's questions as many point at a text as the reference counts",
  async () => {
    const counted = async ({ dataset, queries, corpus }: VectorSet) => {
      const vectors = { questions: rows(queries), passages: corpus };
      return checkQuestions(dataset, { vectors });
    };
    const [train, val] = [await counted(lyft!), await counted(uber!)];
    expect(Math.abs(train.counts.context! - 83), `${train.counts.context}`).toBeLessThanOrEqual(5);
    expect(Math.abs(val.counts.context! - 104), `${val.counts.context}`).toBeLessThanOrEqual(5);
    expect(train.searched).toEqual({ hybrid: 668, bm25: 0 });
    const same = [...train.flags.values()]
      .flat()
      .filter((flag) => flag.kind === "duplicate" && flag.how === "same");
    expect(same).toHaveLength(10); // 668 questions, 658 texts
    process.stdout.write(`gate: Lyft ${JSON.stringify(train.counts)}, Uber ${JSON.stringify(val.counts)}\n`);
  },
);

test.runIf(lyft && uber)(
  "14 of Uber's chunks overlap one of Lyft's, 18 another of Uber's; no question is shared",
  async () => {
    const report = await leakReport(lyft!.dataset, uber!.dataset, {
      vectors: { train: sideOf(lyft!), test: sideOf(uber!) },
    });
    const found = Object.fromEntries(report.counts.map(({ kind, found: count }) => [kind, count]));
    expect(report.counts.find(({ kind }) => kind === "overlap")!.of).toBe(395);
    expect(Math.abs(found["overlap"]! - 14), `${found["overlap"]}`).toBeLessThanOrEqual(2);
    expect(found["same-question"]).toBe(0);
    expect(new Set(report.ties.test.map(({ passage }) => passage)).size).toBe(18);
    expect(report.questions.length).toBeGreaterThanOrEqual(2 * found["overlap"]!);
    process.stdout.write(
      `leaks: ${JSON.stringify(found)}, ${report.questions.length} questions, ${report.groups.length} groups, ` +
        `${report.ties.train.length} and ${report.ties.test.length} near-copies\n`,
    );
  },
);
