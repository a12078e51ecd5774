import type { Feeds } from "../../../engine/backend.ts";
import { EXCLUDED, NO_COLUMN } from "../../../engine/plan.ts";
import { comparedLabels } from "../../losses/cosent.ts";
import { NOT_A_CANDIDATE } from "../../losses/kl-distillation.ts";
import type { ResolvedSettings } from "./defaults.ts";
import type { EncoderSet } from "./encoder-set.ts";
import type { LossShape } from "./loss-graph.ts";
import { NO_DOCUMENT, type TrainingBatch } from "./training-batch.ts";

const OWN = 0x8000_0000; // groups from here on occur once, so they leave nothing out

/** Everything the loss of a batch is fed beside its texts; `anchorBase` is given by who knows the base's vectors. */
export function lossFeeds(
  set: EncoderSet,
  batch: TrainingBatch,
  settings: ResolvedSettings,
  shape: LossShape,
): Feeds {
  const rowsOnly = { queryRows: batch.queryRows, documentRows: batch.documentRows };
  switch (settings.loss.kind) {
    case "mnrl":
    case "cached-mnrl":
    case "symmetric-mnrl":
      return { ...rowsOnly, ...rankingFeeds(set, batch, settings, shape) };
    case "triplet":
      return { ...rowsOnly, shares: tripletShares(batch, shape) };
    case "cosent":
      return { ...rowsOnly, ...cosentFeeds(set, batch, shape) };
    case "margin-mse":
      return { ...rowsOnly, ...marginFeeds(set, batch, shape) };
    case "kl-distillation":
      return { ...rowsOnly, ...klFeeds(set, batch, shape, settings.loss.temperature ?? 1) };
  }
}

/** Which columns are right, which are copies of the right one, and which are not there at all. */
function rankingFeeds(
  set: EncoderSet,
  { questions, columns }: TrainingBatch,
  { mode, loss }: ResolvedSettings,
  shape: LossShape,
): Feeds {
  const masked = mode === "recommended";
  const size = shape.questions;
  const positives = new Uint32Array(size * shape.positives).fill(NO_COLUMN);
  const backwardPositives = positives.slice();
  const rowGroups = Uint32Array.from({ length: size }, (_, row) => OWN + columns.length + row);
  const groupOf = (column: number): number =>
    columns[column] === NO_DOCUMENT ? EXCLUDED : masked ? set.copyOf[columns[column]!]! : OWN + column;
  for (const [row, question] of questions.entries()) {
    if (masked) rowGroups[row] = groupOf(row);
    const right = masked ? rightColumns(set, columns, question, row) : [row];
    positives.set(right.slice(0, shape.positives), row * shape.positives);
    const asked = masked ? rightQuestions(set, columns, questions, row) : [row];
    backwardPositives.set(asked.slice(0, shape.positives), row * shape.positives);
  }
  const questionGroups = Uint32Array.from({ length: size }, (_, row) =>
    row < questions.length ? groupOf(row) : EXCLUDED,
  );
  return {
    positives,
    rowGroups,
    columnGroups: Uint32Array.from(columns, (_, column) => groupOf(column)),
    correction: size / questions.length,
    ...(loss.kind === "symmetric-mnrl" ? { backwardPositives, questionGroups } : {}),
  };
}

/** The question's own column first, then other right passages of the batch, each text once. */
function rightColumns(set: EncoderSet, columns: readonly number[], question: number, row: number): number[] {
  const wanted = set.positives[question]!;
  const texts = new Set([set.copyOf[columns[row]!]!]);
  const found = [row];
  for (const [column, passage] of columns.entries()) {
    if (passage === NO_DOCUMENT || !wanted.includes(passage) || texts.has(set.copyOf[passage]!)) continue;
    texts.add(set.copyOf[passage]!);
    found.push(column);
  }
  return found;
}

/** The passage's own question first, then others of the batch that it is right for and that have another passage. */
function rightQuestions(
  set: EncoderSet,
  columns: readonly number[],
  questions: readonly number[],
  row: number,
): number[] {
  const passage = columns[row]!;
  const others = questions.flatMap((question, other) =>
    other !== row &&
    set.positives[question]!.includes(passage) &&
    set.copyOf[columns[other]!] !== set.copyOf[passage]
      ? [other]
      : [],
  );
  return [row, ...others];
}

/** 1/t for the t questions with a negative, 0 for the rest. */
function tripletShares({ questions, columns }: TrainingBatch, { questions: size }: LossShape): Float32Array {
  const whole = questions.map((_, row) => columns[size + row] !== NO_DOCUMENT);
  const count = whole.filter(Boolean).length;
  return Float32Array.from({ length: size }, (_, row) => (whole[row] ? 1 / count : 0));
}

/** Labels: the teacher's scores where every pair has one, else grades, 0 for what was not judged. */
function cosentFeeds(set: EncoderSet, { questions, columns }: TrainingBatch, shape: LossShape): Feeds {
  const size = shape.questions;
  const pairs = columns.map((passage, column) => ({ passage, question: questions[column % size] }));
  const there = pairs.filter(({ passage }) => passage !== NO_DOCUMENT);
  const taught = there.every(({ question, passage }) => set.teacher(question!, passage) !== undefined);
  const labels = pairs.map(({ question, passage }) => {
    if (passage === NO_DOCUMENT || question === undefined) return NaN;
    return taught ? set.teacher(question, passage)! : set.grade(question, passage);
  });
  return {
    ...comparedLabels(labels),
    repeatedQueries: Uint32Array.from(columns, (_, column) => column % size),
  };
}

/** Margins of the teacher; a pair that it did not score takes no part. */
function marginFeeds(set: EncoderSet, { questions, columns }: TrainingBatch, shape: LossShape): Feeds {
  const { questions: size, negatives } = shape;
  const margins = new Float32Array(size * negatives);
  const shares = new Float32Array(size * negatives);
  for (const [row, question] of questions.entries()) {
    const right = set.teacher(question, columns[row]!);
    for (let k = 0; k < negatives; k++) {
      const passage = columns[(1 + k) * size + row]!;
      const wrong = passage === NO_DOCUMENT ? undefined : set.teacher(question, passage);
      if (right === undefined || wrong === undefined) continue;
      margins[row * negatives + k] = right - wrong;
      shares[row * negatives + k] = 1;
    }
  }
  const count = shares.reduce((sum, share) => sum + share, 0);
  return { margins, shares: shares.map((share) => (count > 0 ? share / count : 0)) };
}

/** The teacher's softmax over a question's candidates; a question with fewer than two scored ones takes no part. */
function klFeeds(
  set: EncoderSet,
  { questions, columns }: TrainingBatch,
  shape: LossShape,
  temperature: number,
): Feeds {
  const size = shape.questions;
  const targets = new Float32Array(size * columns.length);
  const candidates = new Float32Array(size * columns.length).fill(NOT_A_CANDIDATE);
  let taught = 0;
  for (const [row, question] of questions.entries()) {
    const scored = columns.flatMap((passage, column) => {
      const score =
        column % size === row && passage !== NO_DOCUMENT ? set.teacher(question, passage) : undefined;
      return score === undefined ? [] : [{ column, score: score / temperature }];
    });
    if (scored.length < 2) continue;
    taught++;
    const top = Math.max(...scored.map(({ score }) => score));
    const mass = scored.reduce((sum, { score }) => sum + Math.exp(score - top), 0);
    for (const { column, score } of scored) {
      targets[row * columns.length + column] = Math.exp(score - top) / mass;
      candidates[row * columns.length + column] = 0;
    }
  }
  return { targets, candidates, correction: taught > 0 ? size / taught : 1 };
}
