import { beforeAll, describe, expect, test } from "vitest";
import { clusterOf, rightChoices, type RouterDataset } from "../../../../src/domain/data/router-dataset.ts";
import { routerReport, type RouterReport } from "../../../../src/domain/eval/classification.ts";
import { cosineScores } from "../../../../src/domain/eval/dense.ts";
import type { Matrix } from "../../../../src/domain/matrix.ts";
import { routerScores } from "../../../../src/domain/recipes/router/route.ts";
import type {
  RouterJob,
  RouterRun,
  RouterSettings,
  RouterState,
  RouterVectors,
  TrainedRouter,
} from "../../../../src/domain/recipes/router/router-job.ts";
import { openRouterRun } from "../../../../src/domain/recipes/router/router.ts";
import type { Backend } from "../../../../src/engine/backend.ts";
import { openTestCpu } from "../open-backend.ts";
import { plantedData } from "../training-sets.ts";
import { sampleRouter } from "./sample.ts";

let cpu: Backend;
beforeAll(async () => {
  cpu = await openTestCpu();
});

/** Questions are their choice seen through a blur that only some dimensions survive; every fifth has no choice. */
function planted(
  choices: number,
  perChoice: number,
  none = 0,
): { dataset: RouterDataset; vectors: RouterVectors } {
  const { dataset, queries, corpus } = plantedData(choices, perChoice, 12, 7);
  return {
    dataset: {
      choices: dataset.passages.map(({ id, text }) => ({ id, name: id, description: text })),
      examples: dataset.queries.map(({ id, relevant }, index) => ({
        id,
        text: `question ${index}`,
        choices: index < none ? [] : relevant.map(({ passage }) => passage),
      })),
    },
    vectors: { queries, choices: corpus },
  };
}

async function toEnd(run: RouterRun, pulls = Infinity): Promise<TrainedRouter | undefined> {
  const steps = run.steps();
  for (let pulled = 0; pulled < pulls; pulled++) {
    const next = await steps.next();
    if (next.done) return next.value;
  }
  return undefined;
}

async function trained(job: RouterJob): Promise<TrainedRouter> {
  const run = await openRouterRun(cpu, job);
  const result = (await toEnd(run))!;
  run.dispose();
  return result;
}

const settings = (trainer: RouterSettings["trainer"]): RouterSettings => ({ trainer, seed: 3 });

describe.each(["softmax", "embedding"] as const)("%s on frozen vectors", (trainer) => {
  test("learns which dimensions tell the choices apart, judged on examples it has not seen", async () => {
    const { heldOut, epochs } = await trained({ ...planted(8, 20), settings: settings(trainer) });
    expect(heldOut!.tuned).toBeGreaterThan(heldOut!.base + 0.1);
    expect(epochs).toBeGreaterThan(0);
  });

  test("resumed in a fold, at its edge and in the final training, it ends with the same bits", async () => {
    const job: RouterJob = { ...planted(6, 12), settings: { ...settings(trainer), epochs: 12 } };
    const whole = await trained(job);
    for (const pulls of [0, 1, 9, 10, 55]) {
      const first = await openRouterRun(cpu, job);
      await toEnd(first, pulls);
      const { tensors, ...small } = await first.state();
      first.dispose();
      const copies = Object.fromEntries(Object.entries(tensors).map(([name, own]) => [name, own.slice()]));
      const saved = { ...(JSON.parse(JSON.stringify(small)) as RouterState), tensors: copies };
      const again = await openRouterRun(cpu, job, saved);
      expect(await toEnd(again), `after ${pulls} yields`).toEqual(whole);
      again.dispose();
    }
  });

  test("a run that stopped before every example was answered keeps nothing, later it does", async () => {
    const job: RouterJob = { ...planted(6, 12), settings: settings(trainer) };
    const run = await openRouterRun(cpu, job);
    await toEnd(run, 3);
    await expect(run.keep()).rejects.toMatchObject({ code: "too-little-data" });
    await toEnd(run, run.plan.searchSteps + 2);
    expect((await run.keep()).calibration.examples).toBeGreaterThan(60);
    run.dispose();
  });
});

test("before its first step the softmax head says what the embedding router says", async () => {
  const { dataset, vectors } = planted(6, 10);
  const job: RouterJob = { dataset, vectors, settings: { ...settings("softmax"), learningRate: 1e-9 } };
  const router = await trained(job);
  const scores = await routerScores(cpu, router, { texts: [], vectors: vectors.queries });
  const cosines = cosineScores(vectors.queries, vectors.choices);
  for (const [index, score] of scores.values.entries())
    expect(score).toBeCloseTo(20 * cosines.values[index]!, 3);
});

test("questions that nothing answers are not trained on, and lower what the threshold lets pass", async () => {
  const open = await trained({ ...planted(8, 20, 40), settings: settings("softmax") });
  const closed = await trained({ ...planted(8, 20), settings: settings("softmax") });
  expect(open.notes.join()).not.toMatch(/none of these/);
  expect(closed.notes.join()).toMatch(/none of these/);
  expect(open.calibration.examples).toBe(160);
  expect(open.calibration.accepted).toBeLessThan(1);
});

describe("the bundled sample", () => {
  const train = sampleRouter("train");
  const test_ = sampleRouter("test");
  const right = rightChoices(test_.dataset);

  async function reportOf(router: TrainedRouter): Promise<RouterReport> {
    const vectors = test_.vectors.queries;
    const tuned: Matrix = await routerScores(cpu, router, { texts: [], vectors });
    const examples = test_.dataset.examples.map((example, index) => ({
      id: example.id,
      cluster: clusterOf(example),
      right: right[index]!,
    }));
    const base = {
      scores: cosineScores(vectors, test_.vectors.choices),
      ...(router.baseCalibration ? { calibration: router.baseCalibration } : {}),
    };
    return routerReport(examples, { scores: tuned, calibration: router.calibration }, base, { seed: 0 });
  }

  test.each(["softmax", "embedding"] as const)(
    "%s: the test questions go to their source more often than before",
    async (trainer) => {
      const router = await trained({ ...train, settings: settings(trainer) });
      const report = await reportOf(router);
      expect(report.delta!.accuracy.value).toBeGreaterThan(0);
      expect(report.tuned.mrr).toBeGreaterThan(report.base!.mrr);
    },
  );
});
