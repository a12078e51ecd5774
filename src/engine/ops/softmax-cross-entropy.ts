// Softmax cross-entropy of each row, averaged:
//   p[i, j] = exp(s[i, j]) / Σ_kept exp(s[i, ·])
//   L       = −(1/B) Σᵢ (1/Pᵢ) Σ_{j positive of i} log p[i, j]
// With one positive a row this is torch's cross_entropy; with several, the target is uniform over them; with `targets`
// it is −(1/B) Σᵢ Σⱼ t[i, j]·log p[i, j] for soft labels t, which count as constants. An untrained model starts near
// ln(number of kept columns). Columns are left out by `mask`: a column whose group equals the row's
// (another copy of the row's own positive would be punished as a negative) or is EXCLUDED. Positives are never left out.
import { RetuneError } from "../errors.ts";
import { matrixShape, showShape, type Tensor } from "../graph.ts";
import { timesUpstream } from "./elementwise.ts";

export interface TargetOptions {
  /** u32 [B, P]: the positive columns of each row, distinct, ended early by NO_COLUMN. Default: column i for row i. */
  readonly positives?: Tensor;
  /** Instead of positives: f32 [B, N], the share of each column (soft labels); rows sum to 1, or to 0 for a row without loss. */
  readonly targets?: Tensor;
  /** u32 rows [B] and columns [N]: column j is no negative of row i where rows[i] = columns[j], nor where columns[j] is EXCLUDED. */
  readonly mask?: { readonly rows: Tensor; readonly columns: Tensor };
}

/** logits [B, N] → scalar. */
export function softmaxCrossEntropy(logits: Tensor, targets: TargetOptions = {}): Tensor {
  if (logits.shape.length !== 2 || logits.dtype !== "f32") {
    throw new RetuneError(
      "shape",
      `softmaxCrossEntropy: expected logits [B, N], got ${showShape(logits.shape)}`,
    );
  }
  const rows = softmaxRows(logits, undefined, 1, targets);
  const { graph } = logits;
  return graph.add({ kind: "meanLoss" }, [rows, logits], [], (upstream) => [
    undefined,
    timesUpstream(
      graph.add({ kind: "pick", output: "coefficients" }, [rows], logits.shape, undefined),
      upstream,
    ),
  ]);
}

/** The node that becomes one `softmaxRows` launch: the losses of the rows, [B]. */
export function softmaxRows(
  logits: Tensor,
  queries: Tensor | undefined,
  scale: number,
  options: TargetOptions,
): Tensor {
  const { positives, targets, mask } = options;
  const { rows, columns } = matrixShape(logits.shape);
  checkTargets(rows, columns, options);
  const operation = {
    kind: "softmaxRows",
    scale,
    normalized: queries !== undefined,
    positives: positives !== undefined,
    targets: targets !== undefined,
    groups: mask !== undefined,
  } as const;
  const inputs = [logits, queries, positives, targets, mask?.rows, mask?.columns].filter(
    (tensor) => tensor !== undefined,
  );
  return logits.graph.add(operation, inputs, [rows], undefined);
}

function checkTargets(rows: number, columns: number, { positives, targets, mask }: TargetOptions): void {
  if (targets) checkShares(rows, columns, targets, positives);
  else if (positives) checkPositives(rows, positives);
  else if (columns < rows) {
    const next = "give positives u32 [B, P], or at least as many documents as queries";
    throw new RetuneError(
      "shape",
      `loss: row i's positive is column i, but ${rows} rows have ${columns} columns; ${next}`,
    );
  }
  if (mask) checkMask(rows, columns, mask);
}

function checkPositives(rows: number, positives: Tensor): void {
  if (positives.dtype === "u32" && positives.shape.length === 2 && positives.shape[0] === rows) return;
  const got = `${positives.dtype} ${showShape(positives.shape)}`;
  throw new RetuneError("shape", `loss: expected positives u32 [${rows}, P], got ${got}`);
}

function checkShares(rows: number, columns: number, targets: Tensor, positives: Tensor | undefined): void {
  const fits = targets.dtype === "f32" && showShape(targets.shape) === showShape([rows, columns]);
  if (fits && !positives) return;
  const got = positives ? "targets and positives" : `${targets.dtype} ${showShape(targets.shape)}`;
  throw new RetuneError(
    "shape",
    `loss: expected targets f32 [${rows}, ${columns}] without positives, got ${got}`,
  );
}

function checkMask(rows: number, columns: number, mask: NonNullable<TargetOptions["mask"]>): void {
  const right = [mask.rows, mask.columns].every(
    (tensor) => tensor.dtype === "u32" && tensor.shape.length === 1,
  );
  if (right && mask.rows.shape[0] === rows && mask.columns.shape[0] === columns) return;
  const got = `${showShape(mask.rows.shape)} and ${showShape(mask.columns.shape)}`;
  throw new RetuneError(
    "shape",
    `loss: expected mask rows u32 [${rows}] and columns u32 [${columns}], got ${got}`,
  );
}
