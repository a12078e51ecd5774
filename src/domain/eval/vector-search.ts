//   s[j] = ⟨q, d[j]⟩ / (|q|·|d[j]|)      q [D], d [N, D] → s [N]
//
// The same sums in the same order as cosineScores (float64, rounded to float32 once), so scores, ranks and ties are equal
// to the last bit; four passages are summed side by side, which hides the latency of the additions.
// Lengths of passages are taken once for all questions. Proof: tests/domain/eval/vector-search.test.ts.
import { RetuneError } from "../../engine/errors.ts";
import type { Matrix } from "../matrix.ts";
import { inverseNorms } from "./dense.ts";

/** A corpus that is asked again and again. */
export class VectorSearch {
  readonly corpus: Matrix;
  readonly #scale: Float64Array; // 1/|d[j]|

  constructor(corpus: Matrix) {
    this.corpus = corpus;
    this.#scale = inverseNorms(corpus);
  }

  /** Cosines of one question [D] with every passage, [N]. */
  scores(query: Float32Array): Float32Array {
    const { rows, columns, values } = this.corpus;
    if (query.length !== columns) {
      const text = `search: the question has ${query.length} dimensions, the passages ${columns}`;
      throw new RetuneError("E_MISMATCH", `${text}; embed both with one model`);
    }
    const scores = new Float32Array(rows);
    const own = inverseNorms({ rows: 1, columns, values: query })[0]!;
    const wide = Float64Array.from(query);
    const whole = rows - (rows % 4);
    for (let row = 0; row < whole; row += 4) fourRows(wide, values, row, this.#scale, own, scores);
    for (let row = whole; row < rows; row++) {
      let sum = 0;
      for (let k = 0, at = row * columns; k < columns; k++) sum += wide[k]! * values[at + k]!;
      scores[row] = sum * own * this.#scale[row]!;
    }
    return scores;
  }
}

function fourRows(
  query: Float64Array,
  values: Float32Array,
  row: number,
  scale: Float64Array,
  own: number,
  scores: Float32Array,
): void {
  const width = query.length;
  const at0 = row * width;
  const at1 = at0 + width;
  const at2 = at1 + width;
  const at3 = at2 + width;
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let k = 0; k < width; k++) {
    const x = query[k]!;
    s0 += x * values[at0 + k]!;
    s1 += x * values[at1 + k]!;
    s2 += x * values[at2 + k]!;
    s3 += x * values[at3 + k]!;
  }
  scores[row] = s0 * own * scale[row]!;
  scores[row + 1] = s1 * own * scale[row + 1]!;
  scores[row + 2] = s2 * own * scale[row + 2]!;
  scores[row + 3] = s3 * own * scale[row + 3]!;
}
