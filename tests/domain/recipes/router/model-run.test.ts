import { beforeAll, describe, expect, test } from "vitest";
import type { RouterDataset } from "../../../../src/domain/data/router-dataset.ts";
import { readRouterFolder, writeRouterFolder } from "../../../../src/domain/formats/router-folder.ts";
import { retrieveTools, routed, routerScores } from "../../../../src/domain/recipes/router/route.ts";
import type {
  RouterJob,
  RouterRun,
  RouterState,
  TrainedRouter,
} from "../../../../src/domain/recipes/router/router-job.ts";
import { openRouterRun } from "../../../../src/domain/recipes/router/router.ts";
import { pairScores } from "../../../../src/domain/recipes/router/score-choices.ts";
import { withFreshHead } from "../../../../src/domain/recipes/cross-encoder/fresh-head.ts";
import type { Backend } from "../../../../src/engine/backend.ts";
import { tinyEncoder } from "../cross-encoder/fixtures.ts";
import { openTestCpu } from "../open-backend.ts";

let cpu: Backend;
beforeAll(async () => {
  cpu = await openTestCpu();
});

const WORDS = ["leave", "robot", "revenue", "torque"];
const AROUND = [
  "the",
  "a",
  "my",
  "our",
  "that",
  "this",
  "one",
  "no",
  "any",
  "more",
  "new",
  "last",
  "next",
  "first",
  "other",
];

/** Each choice is about a word; its questions hold that word among others. */
const dataset: RouterDataset = {
  choices: WORDS.map((word) => ({ id: word, name: word, description: `${word} ${word}` })),
  examples: WORDS.flatMap((word) =>
    AROUND.map((other, index) => ({ id: `${word}-${index}`, text: `${other} ${word}`, choices: [word] })),
  ),
};
const job = (trainer: "embedding" | "cross-encoder"): RouterJob => ({
  settings: {
    trainer,
    tune: "encoder",
    epochs: trainer === "embedding" ? 6 : 24,
    learningRate: 5e-3,
    seed: 2,
  },
  dataset,
  model: trainer === "embedding" ? tinyEncoder() : withFreshHead(tinyEncoder(), 2),
});

async function toEnd(run: RouterRun, pulls = Infinity): Promise<TrainedRouter | undefined> {
  const steps = run.steps();
  for (let pulled = 0; pulled < pulls; pulled++) {
    const next = await steps.next();
    if (next.done) return next.value;
  }
  return undefined;
}

describe.each(["embedding", "cross-encoder"] as const)("a router by the model itself: %s", (trainer) => {
  test("routes held-out questions better than before, is written, read back and says the same", async () => {
    const run = await openRouterRun(cpu, job(trainer));
    const router = (await toEnd(run))!;
    run.dispose();
    expect(router.heldOut!.tuned).toBeGreaterThan(router.heldOut!.base);
    const back = readRouterFolder(writeRouterFolder(router));
    expect(back.calibration).toEqual(router.calibration);
    const texts = ["the robot", "our leave", "weather"];
    const whole = { ...router, ...back };
    const [own, again] = [
      await routerScores(cpu, router, { texts }),
      await routerScores(cpu, whole, { texts }),
    ];
    expect(again).toEqual(own);
    const [first] = routed(router, own);
    expect(first!.probability).toBeGreaterThan(0);
    expect(first!.probability).toBeLessThan(1);
  });

  test("resumed, it ends with the same router", async () => {
    const first = await openRouterRun(cpu, job(trainer));
    const whole = (await toEnd(first))!;
    first.dispose();
    const cut = await openRouterRun(cpu, job(trainer));
    await toEnd(cut, 5);
    const { tensors, ...small } = await cut.state();
    cut.dispose();
    const copies = Object.fromEntries(Object.entries(tensors).map(([name, own]) => [name, own.slice()]));
    const again = await openRouterRun(cpu, job(trainer), {
      ...(JSON.parse(JSON.stringify(small)) as RouterState),
      tensors: copies,
    });
    const result = (await toEnd(again))!;
    again.dispose();
    expect(result.losses).toEqual(whole.losses);
    expect(result.calibration).toEqual(whole.calibration);
  });
});

describe("more tools than are paired", () => {
  const choices = Array.from({ length: 1000 }, (_, index) => ({
    id: `t${index}`,
    name: `tool ${index}`,
    description: `tool ${index} ${WORDS[index % 4]!}`,
  }));
  const model = withFreshHead(tinyEncoder(), 1);

  test("the likeliest by a first search are scored, all others stand below them", async () => {
    const scores = await pairScores(cpu, model, ["tool 17 robot"], choices);
    const sorted = Array.from(scores.values).sort((a, b) => b - a);
    expect(sorted[63]! - sorted[64]!).toBeGreaterThan(0.999);
    expect(scores.values[17]!).toBeGreaterThanOrEqual(sorted[63]!);
  });

  test("retrieval takes the best of the first search and re-ranks them; several may be kept", async () => {
    const first = Float32Array.from({ length: 1000 }, (_, index) =>
      index % 100 === 7 ? 1 + index / 1e4 : 0,
    );
    const options = { depth: 10, keep: 3 };
    const plain = await retrieveTools(cpu, "robot", choices, first, options);
    expect(plain.map(({ choice }) => choice.id)).toEqual(["t907", "t807", "t707"]);
    const ranked = await retrieveTools(cpu, "robot", choices, first, { ...options, reranker: model });
    expect(ranked).toHaveLength(3);
    expect(ranked.every(({ choice }) => choice.id.endsWith("07"))).toBe(true);
    expect(ranked[0]!.score).toBeGreaterThanOrEqual(ranked[1]!.score);
  });
});

test.each([
  ["no model", { ...job("cross-encoder"), model: undefined }, "usage"],
  ["no vectors", { ...job("embedding"), settings: { trainer: "softmax", seed: 0 } }, "usage"],
  [
    "too few examples",
    { ...job("embedding"), dataset: { ...dataset, examples: dataset.examples.slice(0, 9) } },
    "too-little-data",
  ],
  [
    "a cross-encoder as an embedding router",
    { ...job("embedding"), model: withFreshHead(tinyEncoder(), 1) },
    "usage",
  ],
] as const)("%s is refused", async (_name, of, code) => {
  const { model, ...rest } = of;
  const opened = openRouterRun(cpu, { ...rest, ...(model ? { model } : {}) });
  await expect(opened).rejects.toMatchObject({ code });
});
