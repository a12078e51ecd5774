import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { anchorLoss } from "../../../src/domain/losses/anchor.ts";
import { bceLoss } from "../../../src/domain/losses/bce.ts";
import { comparedLabels, cosentLoss } from "../../../src/domain/losses/cosent.ts";
import { klDistillationLoss, NOT_A_CANDIDATE } from "../../../src/domain/losses/kl-distillation.ts";
import { listwiseLoss, packedListwiseLoss } from "../../../src/domain/losses/listwise.ts";
import { marginMseLoss } from "../../../src/domain/losses/margin-mse.ts";
import { matryoshkaLoss } from "../../../src/domain/losses/matryoshka.ts";
import { rankingLoss } from "../../../src/domain/losses/ranking.ts";
import { symmetricLoss } from "../../../src/domain/losses/symmetric.ts";
import { tripletLoss } from "../../../src/domain/losses/triplet.ts";
import { grad } from "../../../src/engine/autodiff.ts";
import { openReference } from "../../../src/engine/backends/reference.ts";
import { compile } from "../../../src/engine/compile.ts";
import { Graph, type Tensor } from "../../../src/engine/graph.ts";
import { rows } from "../../../src/engine/ops/slices.ts";
import { expectClose } from "../../close.ts";

// Values and gradients by sentence-transformers 6.2 and torch 2.15 in float64 (scripts/peers/loss_values.py).
interface EmbeddingCase {
  readonly rows: number;
  readonly width: number;
  readonly columns: number;
  readonly embeddings: readonly number[];
  readonly labels?: readonly number[];
  readonly loss: number;
  readonly gradient: readonly number[];
}
interface ScoreCase {
  readonly shape: readonly number[];
  readonly logits: readonly number[];
  readonly targets: readonly number[];
  readonly loss: number;
  readonly gradient: readonly number[];
}
const stored = JSON.parse(
  readFileSync(new URL("../../fixtures/losses/losses.json", import.meta.url), "utf8"),
) as { embeddings: Record<string, EmbeddingCase>; scores: Record<string, ScoreCase> };

interface Parts {
  readonly queries: Tensor; // [B, W]
  readonly documents: Tensor; // [(columns − 1)·B, W]
  readonly all: Tensor;
  readonly input: (name: string, shape: readonly number[], values: ArrayLike<number>) => Tensor;
}

/** Loss and gradient of `build` over leaves that hold `values`. */
async function valueAndGradient(
  shape: readonly number[],
  values: readonly number[],
  build: (leaf: Tensor, input: Parts["input"]) => Tensor,
): Promise<{ loss: number; gradient: Float32Array }> {
  const feeds: Record<string, Float32Array> = {};
  const executable = await compile(openReference(), (graph: Graph) => {
    const leaf = graph.parameter("leaf", shape);
    const loss = build(leaf, (name, size, content) => {
      feeds[name] = Float32Array.from(content);
      return graph.input(name, "f32", size);
    });
    return { outputs: { loss, gradient: grad(loss, [leaf])[0]! } };
  });
  executable.write("leaf", Float32Array.from(values));
  executable.run(feeds);
  return { loss: (await executable.read("loss"))[0]!, gradient: await executable.read("gradient") };
}

async function expectPeer(name: string, build: (parts: Parts, own: EmbeddingCase) => Tensor): Promise<void> {
  const own = stored.embeddings[name]!;
  const shape = [own.rows * own.columns, own.width];
  const found = await valueAndGradient(shape, own.embeddings, (all, input) => {
    const queries = rows(all, 0, own.rows);
    const documents = own.columns > 1 ? rows(all, own.rows, own.rows * (own.columns - 1)) : queries;
    return build({ queries, documents, all, input }, own);
  });
  expectClose([found.loss], [own.loss], { absolute: 2e-6, relative: 2e-6 });
  expectClose(found.gradient, own.gradient, { absolute: 3e-6, relative: 3e-6 });
}

const part = (documents: Tensor, k: number, count: number): Tensor => rows(documents, k * count, count);

test.each(["mnrl", "mnrl-hard-negatives", "cached-mnrl"])(
  "%s: value and gradient of sentence-transformers, hard negatives as extra columns",
  async (name) => {
    await expectPeer(name, ({ queries, documents }) => rankingLoss(queries, documents, { scale: 20 }));
  },
);

test("symmetric: both directions, each with its own softmax", async () => {
  await expectPeer("symmetric", ({ queries, documents }) => symmetricLoss(queries, documents, { scale: 20 }));
});

test.each([
  ["triplet-euclidean", { distance: "euclidean", margin: 5 }],
  ["triplet-narrow", { distance: "euclidean", margin: 0.1 }],
  ["triplet-cosine", { distance: "cosine", margin: 0.2 }],
] as const)("%s", async (name, options) => {
  await expectPeer(name, ({ queries, documents }, { rows: count }) =>
    tripletLoss(queries, part(documents, 0, count), part(documents, 1, count), options),
  );
});

function cosentOf(parts: Pick<Parts, "input">, labels: readonly number[]) {
  const { lower, identity } = comparedLabels(labels);
  const shape = [labels.length, labels.length];
  const leaves = {
    lower: parts.input("lower", shape, lower),
    identity: parts.input("identity", shape, identity),
  };
  return (first: Tensor, second: Tensor) => cosentLoss(first, second, { scale: 20, ...leaves });
}

test.each(["cosent", "cosent-all-equal"])("%s: equal labels are not compared", async (name) => {
  await expectPeer(name, (parts, { labels }) => cosentOf(parts, labels!)(parts.queries, parts.documents));
});

test.each(["margin-mse", "margin-mse-several"])("%s", async (name) => {
  await expectPeer(name, ({ queries, documents, input }, { rows: count, columns, labels }) =>
    marginMseLoss(queries, documents, { margins: input("margins", [count, columns - 2], labels!) }),
  );
});

function softmaxRowsOf(values: readonly number[], width: number, temperature: number): number[][] {
  const table = Array.from({ length: values.length / width }, (_, row) =>
    values.slice(row * width, (row + 1) * width).map((value) => Math.exp(value / temperature)),
  );
  return table.map((row) => row.map((value) => value / row.reduce((sum, each) => sum + each, 0)));
}

test.each([
  ["kl", 1],
  ["kl-warm", 0.3],
] as const)("%s: candidates of one question only", async (name, temperature) => {
  await expectPeer(name, ({ queries, documents, input }, { rows: count, columns, labels }) => {
    const ways = columns - 1;
    const shares = softmaxRowsOf(labels!, ways, temperature);
    const targets = new Float32Array(count * count * ways);
    const mask = new Float32Array(count * count * ways).fill(NOT_A_CANDIDATE);
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < ways; k++) {
        const at = i * count * ways + k * count + i;
        targets[at] = shares[i]![k]!;
        mask[at] = 0;
      }
    }
    const shape = [count, count * ways];
    return klDistillationLoss(queries, documents, {
      temperature,
      targets: input("targets", shape, targets),
      mask: input("mask", shape, mask),
    });
  });
});

const prefixes = { dimensions: [12, 6, 3], weights: [1, 0.5, 0.25] };

test.each(["matryoshka-mnrl", "matryoshka-cached"])("%s", async (name) => {
  await expectPeer(name, ({ all }, { rows: count }) =>
    matryoshkaLoss(
      all,
      (cut) => rankingLoss(rows(cut, 0, count), rows(cut, count, count), { scale: 20 }),
      prefixes,
    ),
  );
});

test("matryoshka over CoSENT", async () => {
  await expectPeer("matryoshka-cosent", (parts, { rows: count, labels }) => {
    const lossOf = cosentOf(parts, labels!);
    return matryoshkaLoss(parts.all, (cut) => lossOf(rows(cut, 0, count), rows(cut, count, count)), prefixes);
  });
});

test("matryoshka refuses widths that vectors do not have", () => {
  const leaf = new Graph().parameter("vectors", [4, 12]);
  const never = (): Tensor => leaf;
  expect(() => matryoshkaLoss(leaf, never, { dimensions: [24] })).toThrow(/1 to 12/);
  expect(() => matryoshkaLoss(leaf, never, { dimensions: [6], weights: [1, 2] })).toThrow(/one weight/);
});

test("anchor is the squared length of the move: EmbedDistill's mse times the width", async () => {
  const own = stored.embeddings["anchor"]!;
  const { labels } = own;
  const shape = [own.rows, own.width];
  const found = await valueAndGradient(shape, own.embeddings, (leaf, input) =>
    anchorLoss(leaf, input("base", shape, labels!)),
  );
  expectClose([found.loss], [own.loss * own.width], { relative: 2e-6 });
  expectClose(
    found.gradient,
    own.gradient.map((value) => value * own.width),
    { absolute: 1e-6, relative: 3e-6 },
  );
});

async function expectScores(
  name: string,
  shape: readonly number[],
  build: (logits: Tensor, input: Parts["input"], own: ScoreCase) => Tensor,
): Promise<void> {
  const own = stored.scores[name]!;
  const found = await valueAndGradient(shape, own.logits, (leaf, input) => build(leaf, input, own));
  expectClose([found.loss], [own.loss], { absolute: 1e-6, relative: 2e-6 });
  expectClose(found.gradient, own.gradient, { absolute: 1e-6, relative: 3e-6 });
}

test.each([
  ["bce", 1],
  ["bce-pos-weight", 3.5],
  ["bce-large-logits", 1],
] as const)("%s: torch's binary cross-entropy with logits", async (name, posWeight) => {
  await expectScores(name, [8, 1], (logits, input, { targets }) =>
    bceLoss(logits, input("labels", [8, 1], targets), { posWeight }),
  );
});

test.each(["listwise", "listwise-softmax"])("%s: torch's cross-entropy with probabilities", async (name) => {
  await expectScores(name, [4, 6], (logits, input, { targets }) =>
    listwiseLoss(logits, { targets: input("targets", [4, 6], targets) }),
  );
});

test("listwise over packed logits equals listwise over a table", async () => {
  const own = stored.scores["listwise"]!;
  await expectScores("listwise", [24, 1], (logits, input) => {
    const [targets, mask] = [new Float32Array(4 * 24), new Float32Array(4 * 24).fill(-1e9)];
    const { identity } = comparedLabels(own.logits);
    for (let pair = 0; pair < 24; pair++) {
      const at = Math.floor(pair / 6) * 24 + pair;
      targets[at] = own.targets[pair]!;
      mask[at] = 0;
    }
    return packedListwiseLoss(logits, {
      targets: input("targets", [4, 24], targets),
      mask: input("mask", [4, 24], mask),
      identity: input("identity", [24, 24], identity),
    });
  });
});
