import { expect, test } from "vitest";
import { allDocumentsLoss } from "../../../src/domain/losses/all-documents.ts";
import { inBatchLoss } from "../../../src/domain/losses/in-batch.ts";
import { CounterRandom } from "../../../src/domain/random.ts";
import { grad } from "../../../src/engine/autodiff.ts";
import { openReference } from "../../../src/engine/backends/reference.ts";
import { compile } from "../../../src/engine/compile.ts";
import { EXCLUDED, NO_COLUMN } from "../../../src/engine/plan.ts";
import { expectClose } from "../../close.ts";

const [B, N, W, SCALE] = [3, 5, 4, 20];

function randomRows(rows: number, seed: number): Float32Array {
  const random = new CounterRandom(seed);
  return Float32Array.from({ length: rows * W }, () => 2 * random.uniform() - 1);
}

const queries = randomRows(B, 1);
const documents = randomRows(N, 2);

function cosine(a: Float32Array, row: number, b: Float32Array, column: number): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let k = 0; k < W; k++) {
    const [x, y] = [a[row * W + k]!, b[column * W + k]!];
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return dot / Math.sqrt(aa * bb);
}

/** −(1/P) Σ_p log softmax of row i over the kept columns, by the plain formula. */
function rowLoss(
  row: number,
  positives: readonly number[],
  kept: readonly number[],
  table: Float32Array,
): number {
  const mass = kept.reduce((sum, column) => sum + Math.exp(SCALE * cosine(queries, row, table, column)), 0);
  const mean =
    positives.reduce((sum, p) => sum + SCALE * cosine(queries, row, table, p), 0) / positives.length;
  return Math.log(mass) - mean;
}

async function inBatch(groups?: Uint32Array): Promise<number> {
  const executable = await compile(openReference(), (graph) => {
    const q = graph.input("queries", "f32", [B, W]);
    const d = graph.input("documents", "f32", [B, W]);
    const rows = groups ? { groups: graph.input("groups", "u32", [B]) } : {};
    return { outputs: { loss: inBatchLoss(q, d, { scale: SCALE, ...rows }) } };
  });
  executable.run({ queries, documents: documents.slice(0, B * W), ...(groups ? { groups } : {}) });
  return (await executable.read("loss"))[0]!;
}

async function allDocuments(
  feeds: Record<"positives" | "rowGroups" | "columnGroups", Uint32Array>,
): Promise<{ loss: number; gradient: Float32Array }> {
  const executable = await compile(openReference(), (graph) => {
    const q = graph.parameter("q", [B, W]);
    const loss = allDocumentsLoss(q, graph.resident("documents", "f32", [N, W]), {
      scale: SCALE,
      positives: graph.input("positives", "u32", [B, feeds.positives.length / B]),
      rowGroups: graph.input("rowGroups", "u32", [B]),
      columnGroups: graph.input("columnGroups", "u32", [N]),
    });
    return { outputs: { loss, gradient: grad(loss, [q])[0]! } };
  });
  executable.write("q", queries);
  executable.write("documents", documents);
  executable.run(feeds);
  return { loss: (await executable.read("loss"))[0]!, gradient: await executable.read("gradient") };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const all = [0, 1, 2, 3, 4];

test("in-batch: cross-entropy of scaled cosines with the row's own document", async () => {
  const want = mean([0, 1, 2].map((row) => rowLoss(row, [row], [0, 1, 2], documents)));
  expectClose([await inBatch()], [want], { relative: 1e-6 });
});

test("in-batch: a copy of the row's own document is no negative", async () => {
  const got = await inBatch(Uint32Array.of(7, 7, 9));
  const want = mean([
    rowLoss(0, [0], [0, 2], documents),
    rowLoss(1, [1], [1, 2], documents),
    rowLoss(2, [2], [0, 1, 2], documents),
  ]);
  expectClose([got], [want], { relative: 1e-6 });
});

test("all documents: several positives share the target, copies and excluded columns take no part", async () => {
  const { loss } = await allDocuments({
    positives: Uint32Array.of(0, 3, 1, NO_COLUMN, 2, NO_COLUMN),
    rowGroups: Uint32Array.of(10, 11, 12),
    columnGroups: Uint32Array.of(10, 11, 12, 13, EXCLUDED),
  });
  const want = mean([
    rowLoss(0, [0, 3], [0, 1, 2, 3], documents),
    rowLoss(1, [1], [0, 1, 2, 3], documents),
    rowLoss(2, [2], [0, 1, 2, 3], documents),
  ]);
  expectClose([loss], [want], { relative: 1e-6 });
  const copies = await allDocuments({
    positives: Uint32Array.of(0, 1, 2),
    rowGroups: Uint32Array.of(10, 11, 12),
    columnGroups: Uint32Array.of(10, 11, 12, 13, 10), // column 4 is a copy of column 0's text
  });
  const wanted = mean([
    rowLoss(0, [0], [0, 1, 2, 3], documents),
    rowLoss(1, [1], all, documents),
    rowLoss(2, [2], all, documents),
  ]);
  expectClose([copies.loss], [wanted], { relative: 1e-6 });
});

test("all documents: the gradient equals central differences", async () => {
  const feeds = {
    positives: Uint32Array.of(0, 3, 1, NO_COLUMN, 2, NO_COLUMN),
    rowGroups: Uint32Array.of(10, 11, 12),
    columnGroups: Uint32Array.of(10, 11, 12, 13, EXCLUDED),
  };
  const { gradient } = await allDocuments(feeds);
  const want = Float64Array.from({ length: B * W }, (_, index) => {
    const at = (change: number): number => {
      const kept = queries[index]!;
      queries[index] = kept + change;
      const moved = queries[index] - kept;
      const loss = mean([
        rowLoss(0, [0, 3], [0, 1, 2, 3], documents),
        rowLoss(1, [1], [0, 1, 2, 3], documents),
        rowLoss(2, [2], [0, 1, 2, 3], documents),
      ]);
      queries[index] = kept;
      return loss / moved;
    };
    const h = 2 ** -10;
    return (at(h) + at(-h)) / 2; // (L(x+h) − L(x−h)) / 2h, with steps exact in float32
  });
  expectClose(gradient, want, { absolute: 1e-4, relative: 1e-3 });
});

test("an untrained table that cannot tell documents apart starts at ln N", async () => {
  const kept = queries.slice();
  const orthogonal = new Float32Array(B * W);
  for (let row = 0; row < B; row++) orthogonal[row * W + row] = 1;
  const executable = await compile(openReference(), (graph) => ({
    outputs: {
      loss: inBatchLoss(graph.input("q", "f32", [B, W]), graph.input("d", "f32", [B, W]), { scale: SCALE }),
    },
  }));
  const same = new Float32Array(B * W);
  for (let row = 0; row < B; row++) same[row * W + 3] = 1;
  executable.run({ q: orthogonal, d: same });
  expectClose([(await executable.read("loss"))[0]!], [Math.log(B)], { absolute: 1e-6 });
  expect(queries).toEqual(kept);
});
