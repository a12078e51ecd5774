import { beforeAll, describe, expect, it } from "vitest";
import { grad } from "../../../../src/engine/autodiff.ts";
import type { Backend } from "../../../../src/engine/backend.ts";
import { openReference } from "../../../../src/engine/backends/reference.ts";
import { compile } from "../../../../src/engine/compile.ts";
import { l2Normalize } from "../../../../src/engine/ops/rows.ts";
import { NO_CANDIDATE, retrieverLoss } from "../../../../src/domain/lab/radit/retriever-loss.ts";
import { divergence, softmax, supervisedShares } from "../../../../src/domain/lab/radit/supervision.ts";
import { adaptedQueries, tuneRetriever } from "../../../../src/domain/lab/radit/tune-retriever.ts";
import { wordVectors } from "../../../../src/domain/lab/radit/word-vectors.ts";
import { dotScores, unitRows } from "../../../../src/domain/eval/dense.ts";
import { CounterRandom } from "../../../../src/domain/random.ts";
import { expectClose } from "../../../close.ts";
import { openTestCpu } from "../../recipes/open-backend.ts";

const [B, N, D, TAU] = [3, 5, 4, 0.1];
const random = new CounterRandom(7);
const rows = (count: number): Float32Array =>
  Float32Array.from({ length: count * D }, () => 2 * random.uniform() - 1);
const [queries, passages] = [rows(B), rows(N)];
const candidates = [
  [0, 1, 2],
  [1, 3],
  [0, 2, 3, 4],
];
const targets = candidates.map((own) => softmax(Float64Array.from(own, () => 3 * random.uniform())));

function cosine(query: Float32Array, row: number, place: number): number {
  let [dot, own, other] = [0, 0, 0];
  for (let at = 0; at < D; at++) {
    const [x, y] = [query[row * D + at]!, passages[place * D + at]!];
    dot += x * y;
    own += x * x;
    other += y * y;
  }
  return dot / Math.sqrt(own * other);
}

/** (1/B) Σ KL(p_R ‖ p_LSR) by the plain formula. */
function plainLoss(query: Float32Array): number {
  const each = candidates.map((own, row) => {
    const shares = softmax(Float64Array.from(own, (place) => cosine(query, row, place) / TAU));
    return shares.reduce((sum, p, at) => sum + p * Math.log(p / targets[row]![at]!), 0);
  });
  return each.reduce((sum, value) => sum + value, 0) / B;
}

async function traced(): Promise<{ loss: number; gradient: Float32Array }> {
  const step = await compile(openReference(), (graph) => {
    const q = graph.parameter("q", [B, D]);
    const loss = retrieverLoss(l2Normalize(q), l2Normalize(graph.input("passages", "f32", [N, D])), {
      temperature: TAU,
      logTargets: graph.input("logTargets", "f32", [B, N]),
      mask: graph.input("mask", "f32", [B, N]),
    });
    return { outputs: { loss, gradient: grad(loss, [q])[0]! } };
  });
  step.write("q", queries);
  const logTargets = new Float32Array(B * N);
  const mask = new Float32Array(B * N).fill(NO_CANDIDATE);
  for (const [row, own] of candidates.entries()) {
    for (const [at, place] of own.entries()) {
      logTargets[row * N + place] = Math.log(targets[row]![at]!);
      mask[row * N + place] = 0;
    }
  }
  step.run({ passages, logTargets, mask });
  return { loss: (await step.read("loss"))[0]!, gradient: await step.read("gradient") };
}

describe("The loss of RA-DIT's retriever half", () => {
  it("is the mean divergence from what the model says, over each question's candidates", async () => {
    const { loss } = await traced();
    expectClose([loss], [plainLoss(queries)], { relative: 1e-5 });
  });

  it("has the gradient of central differences", async () => {
    const { gradient } = await traced();
    const step = 1e-3;
    const slopes = Array.from(queries, (_, at) => {
      const [up, down] = [Float32Array.from(queries), Float32Array.from(queries)];
      up[at]! += step;
      down[at]! -= step;
      return (plainLoss(up) - plainLoss(down)) / (up[at]! - down[at]!);
    });
    expectClose(gradient, slopes, { absolute: 2e-3, relative: 1e-3 });
  });
});

describe("Shares that a model gives to passages", () => {
  it("sharpen as the temperature falls", () => {
    const likelihoods = Float64Array.of(-1, -2, -4);
    const [soft, sharp] = [2, 0.1].map((temperature) => supervisedShares(likelihoods, temperature));
    expectClose(
      soft!,
      [0.5465, 0.3315, 0.122].map((value) => value),
      { absolute: 5e-4 },
    );
    expect(sharp![0]!).toBeGreaterThan(0.9999);
    expect(divergence(soft!, soft!)).toBe(0);
    expect(divergence(sharp!, soft!)).toBeCloseTo(Math.log(1 / soft![0]!), 3);
  });
});

describe("Tuning a retriever", () => {
  let cpu: Backend;
  beforeAll(async () => {
    cpu = await openTestCpu();
  });

  const THINGS = "river tower market harbour bridge castle chapel mill forge well".split(" ");
  const MARKS = ["seal", "flag", "sign"];
  const facts = MARKS.flatMap((mark) => THINGS.map((thing) => ({ mark, thing })));
  const texts = facts.map(({ mark, thing }) => `kept by the guard of old the ${thing} has a ${mark}`);
  // What a question says beside the thing misleads: "kept by the guard of old" stands in every passage.
  const asked = facts.map(
    ({ mark, thing }, at) => `which ${mark} ${"guard of old kept by ".repeat(at % 3)} ${thing}`,
  );
  const data = {
    queries: wordVectors(asked),
    passages: wordVectors(texts),
    candidates: facts.map((_, at) => [at, (at + 10) % 30, (at + 1) % 30, (at + 7) % 30]),
    targets: facts.map(() => Float64Array.of(0.97, 0.01, 0.01, 0.01)),
  };

  it("brings the divergence down, on questions held out as well, and finds more right passages", async () => {
    const tuned = await tuneRetriever(cpu, data, { epochs: 12, learningRate: 5e-3, batchSize: 8, seed: 3 });
    expect(tuned.divergence.after).toBeLessThan(0.7 * tuned.divergence.before);
    expect(tuned.heldOut!.after).toBeLessThan(tuned.heldOut!.before);
    expect(tuned.losses.at(-1)!).toBeLessThan(tuned.losses[0]!);
    const margin = (queryRows: typeof data.queries): number => {
      const scores = dotScores(unitRows(queryRows), unitRows(data.passages));
      const each = facts.map((_, at) => {
        const own = scores.subarray(at * 30, (at + 1) * 30);
        return own[at]! - Math.max(...own.filter((_score, place) => place !== at));
      });
      return each.reduce((sum, value) => sum + value, 0) / each.length;
    };
    expect(margin(adaptedQueries(tuned, data.queries))).toBeGreaterThan(margin(data.queries));
  });

  it("gives the same bits for the same seed", async () => {
    const once = (): Promise<Awaited<ReturnType<typeof tuneRetriever>>> =>
      tuneRetriever(cpu, data, { epochs: 2, seed: 5 });
    const [one, other] = [await once(), await once()];
    expect(other.losses).toEqual(one.losses);
    expect(other.weights).toEqual(one.weights);
  });

  it("refuses questions that have nothing to choose between", async () => {
    const single = {
      ...data,
      candidates: facts.map((_, at) => [at]),
      targets: facts.map(() => Float64Array.of(1)),
    };
    await expect(tuneRetriever(cpu, single)).rejects.toMatchObject({ code: "too-little-data" });
  });
});
