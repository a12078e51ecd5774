import { beforeAll, expect, test } from "vitest";
import { cosineScores } from "../../../../src/domain/eval/dense.ts";
import { openRouterRun } from "../../../../src/domain/recipes/router/router.ts";
import type { RouterJob, TrainedRouter } from "../../../../src/domain/recipes/router/router-job.ts";
import { routerAtStrength } from "../../../../src/domain/recipes/router/router-strength.ts";
import { routerScores } from "../../../../src/domain/recipes/router/route.ts";
import {
  choiceVectorsOf,
  encoderScores,
  pairScores,
} from "../../../../src/domain/recipes/router/score-choices.ts";
import { withFreshHead } from "../../../../src/domain/recipes/cross-encoder/fresh-head.ts";
import type { Backend } from "../../../../src/engine/backend.ts";
import { expectClose } from "../../../close.ts";
import { tinyEncoder } from "../cross-encoder/fixtures.ts";
import { openTestCpu } from "../open-backend.ts";
import { sampleRouter } from "./sample.ts";

let cpu: Backend;
beforeAll(async () => {
  cpu = await openTestCpu();
});

async function trained(job: RouterJob): Promise<TrainedRouter> {
  const run = await openRouterRun(cpu, job);
  const steps = run.steps();
  for (;;) {
    const next = await steps.next();
    if (!next.done) continue;
    run.dispose();
    return next.value;
  }
}

const { dataset, vectors } = sampleRouter("train");
const asked = { texts: [], vectors: vectors.queries };

test.each(["softmax", "embedding"] as const)(
  "%s on frozen vectors: at 0 it answers as the descriptions' cosines, half-way as half the change",
  async (trainer) => {
    const settings = { trainer, epochs: 4, learningRate: 1e-2, scale: 10, seed: 0 } as const;
    const router = await trained({ settings, dataset, vectors });
    const at = async (strength: number): Promise<Float32Array> => {
      const mixed = await routerAtStrength(cpu, router, strength, { vectors, scale: settings.scale });
      return (await routerScores(cpu, mixed, asked)).values;
    };
    const [none, half, whole] = [await at(0), await at(0.5), await at(1)];
    const factor = trainer === "softmax" ? settings.scale : 1;
    const cosines = cosineScores(vectors.queries, vectors.choices).values.map((value) => factor * value);
    expectClose(none, cosines, { absolute: 1e-5, relative: 1e-5 }, "strength 0");
    expect(whole).toEqual((await routerScores(cpu, router, asked)).values);
    expect(half).not.toEqual(none);
    if (trainer === "softmax") {
      const between = whole.map((value, index) => (value + none[index]!) / 2);
      expectClose(half, between, { absolute: 1e-4, relative: 1e-5 }, "strength 0.5");
    }
  },
);

const few = { choices: dataset.choices, examples: dataset.examples.slice(0, 80) };
const texts = dataset.examples.slice(0, 4).map(({ text }) => text);

test("an encoder at 0 is the one it was trained from, its descriptions embedded anew", async () => {
  const model = tinyEncoder();
  const settings = { trainer: "embedding", tune: "encoder", epochs: 1, learningRate: 1e-3, seed: 0 } as const;
  const router = await trained({ settings, dataset: few, model });
  const base = await routerAtStrength(cpu, router, 0, { model });
  const described = await choiceVectorsOf(cpu, model, few.choices);
  const want = await encoderScores(cpu, model, texts, described);
  expectClose((await routerScores(cpu, base, { texts })).values, want.values, { absolute: 1e-6 }, "scores");
  await expect(routerAtStrength(cpu, router, 0.5, {})).rejects.toMatchObject({ code: "usage" });
});

test("a cross-encoder at 0 is the one it was trained from", async () => {
  const model = withFreshHead(tinyEncoder(), 2);
  const settings = { trainer: "cross-encoder", epochs: 1, learningRate: 1e-3, seed: 0 } as const;
  const router = await trained({ settings, dataset: few, model });
  const base = await routerAtStrength(cpu, router, 0, { model });
  const want = await pairScores(cpu, model, texts, few.choices);
  expectClose((await routerScores(cpu, base, { texts })).values, want.values, { absolute: 1e-6 }, "logits");
});
