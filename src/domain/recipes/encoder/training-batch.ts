import type { TokenSequence } from "../../text/pack.ts";
import type { QuestionBatch } from "./batches.ts";
import type { EncoderSet } from "./encoder-set.ts";
import type { LossShape } from "./loss-graph.ts";

/** A column of documents that no sequence of the batch fills. */
export const NO_DOCUMENT = -1;

/** One step's texts, and which of them each row of the loss is. */
export interface TrainingBatch {
  readonly sequences: readonly TokenSequence[]; // questions, passages, negatives, anchors
  readonly tokens: number;
  readonly questions: readonly number[]; // [b], by position in the file
  readonly columns: readonly number[]; // [(1 + K)·B] passages by position in the file, or NO_DOCUMENT
  readonly documentRows: Uint32Array; // [(1 + K)·B] their sequences
  readonly queryRows: Uint32Array; // [B]
  readonly anchors: readonly number[]; // [A] positions among the anchors
  readonly anchorRows: Uint32Array; // [A]
}

/**
 * The texts of a batch: b questions with their passages, up to K negatives each (in turn by epoch), and A anchors (in turn
 * by step). A question without a negative of its own gets a passage of the batch that is not right for it, the nearest
 * one after its own, where `borrow` asks for it: under neighbour batches that is a hard one, and it costs no text.
 */
export function trainingBatch(
  set: EncoderSet,
  batch: QuestionBatch,
  shape: LossShape,
  turn: { readonly epoch: number; readonly step: number; readonly borrow: boolean },
): TrainingBatch {
  const { questions, passages } = batch;
  const size = shape.questions;
  const sequences: TokenSequence[] = questions.map((question) => set.tokens.queries[question]!);
  const columns = new Array<number>((1 + shape.negatives) * size).fill(NO_DOCUMENT);
  const documentRows = new Uint32Array(columns.length);
  const put = (column: number, passage: number): void => {
    columns[column] = passage;
    documentRows[column] = sequences.push(set.tokens.passages[passage]!) - 1;
  };
  for (const [row, passage] of passages.entries()) put(row, passage);
  for (let k = 0; k < shape.negatives; k++) {
    for (const [row, question] of questions.entries()) {
      const own = set.negatives[question]!;
      const column = (1 + k) * size + row;
      if (k < own.length) put(column, own[(turn.epoch * shape.negatives + k) % own.length]!);
      else if (turn.borrow) {
        const donor = neighbourOf(set, batch, row, k);
        if (donor === undefined) continue;
        columns[column] = passages[donor]!;
        documentRows[column] = documentRows[donor]!;
      }
    }
  }
  const anchors = anchorsOf(set, shape, turn.step);
  const anchorRows = Uint32Array.from(anchors, (anchor) => sequences.push(set.anchors[anchor]!) - 1);
  const queryRows = Uint32Array.from({ length: size }, (_, row) => (row < questions.length ? row : 0));
  const tokens = sequences.reduce((sum, { ids }) => sum + ids.length, 0);
  return { sequences, tokens, questions, columns, documentRows, queryRows, anchors, anchorRows };
}

/** Row of the batch whose passage is the k-th after row `row`'s that is wrong for its question. */
function neighbourOf(
  set: EncoderSet,
  { questions, passages }: QuestionBatch,
  row: number,
  k: number,
): number | undefined {
  const right = new Set(set.positives[questions[row]!]!.map((passage) => set.copyOf[passage]!));
  const wrong = passages
    .map((_, step) => (row + 1 + step) % passages.length)
    .filter((other) => !right.has(set.copyOf[passages[other]!]!));
  return wrong[k];
}

function anchorsOf(set: EncoderSet, { anchors }: LossShape, step: number): number[] {
  return Array.from({ length: anchors }, (_, place) => (step * anchors + place) % set.anchors.length);
}
