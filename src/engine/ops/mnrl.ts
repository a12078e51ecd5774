// Multiple-negatives ranking loss (InfoNCE with in-batch negatives; sentence-transformers' MultipleNegativesRankingLoss):
//   s[i, j] = scale · cos(q[i], d[j])                          [B, N]
//   L       = −(1/B) Σᵢ log softmax(s[i, :])[positive of i]    scalar
// scale is 1 / temperature. L starts near ln(N) for a model that cannot tell documents apart. A batch that holds one
// document twice punishes a true positive: leave its copies out by `mask`.
//
// Queries are not normalised beforehand. With raw scores S = Q·D̂ᵀ (D̂ unit rows) and e = (p − t)/B,
//   dQ = C·D̂ − β·Q,   C = scale·e/‖q‖,   β = Σⱼ e·s / ‖q‖²
// so forward and gradient are three launches: S (matmul NT), the rows, dQ (matmul NN with β·Q in its epilogue).
import { RetuneError } from "../errors.ts";
import { showShape, type Tensor } from "../graph.ts";
import { timesUpstream } from "./elementwise.ts";
import { matmul, paddedScores } from "./matmul.ts";
import { gather, l2Normalize } from "./rows.ts";
import { softmaxRows, type TargetOptions } from "./softmax-cross-entropy.ts";

export interface MnrlOptions extends TargetOptions {
  readonly scale: number; // 1 / temperature; sentence-transformers' default is 20
}

/** queries [B, D], documents [N, D] → scalar. */
export function mnrl(queries: Tensor, documents: Tensor, { scale, ...targets }: MnrlOptions): Tensor {
  const width = queries.shape[1];
  if (queries.shape.length !== 2 || documents.shape.length !== 2 || documents.shape[1] !== width) {
    const got = `${showShape(queries.shape)} and ${showShape(documents.shape)}`;
    throw new RetuneError(
      "shape",
      `mnrl: expected queries [B, D] and documents [N, D] with one D, got ${got}`,
    );
  }
  const { graph } = queries;
  const unit = unitRows(documents);
  const scores = paddedScores(queries, unit);
  const rows = softmaxRows(scores, queries, scale, targets);
  return graph.add({ kind: "meanLoss" }, [rows, queries, unit], [], (upstream) => {
    const coefficients = graph.add({ kind: "pick", output: "coefficients" }, [rows], scores.shape, undefined);
    const beta = graph.add({ kind: "pick", output: "beta" }, [rows], [queries.shape[0]!, 1], undefined);
    const towards = matmul(coefficients, unit);
    const dQueries = graph.add(
      { kind: "subtractScaledRows" },
      [towards, beta, queries],
      queries.shape,
      undefined,
    );
    const dUnit = matmul(coefficients, queries, { transposeA: true });
    return [undefined, timesUpstream(dQueries, upstream), timesUpstream(dUnit, upstream)];
  });
}

/** Unit rows of the documents. Rows of a resident table are normalised once for all steps, before they are gathered. */
function unitRows(documents: Tensor): Tensor {
  const { graph } = documents;
  const { operation, inputs } = graph.node(documents);
  const [table, indices] = inputs;
  if (operation.kind === "gather" && graph.node(table!).operation.kind === "resident") {
    return gather(unitTable(table!), indices!);
  }
  return unitTable(documents);
}

/** One normalisation of a table serves all that use it. */
function unitTable(table: Tensor): Tensor {
  const known = table.graph.nodes.find(
    (node) => node.operation.kind === "l2Normalize" && node.inputs[0] === table,
  );
  return known ?? l2Normalize(table);
}
