import { beforeAll, expect, test } from "vitest";
import { evaluate } from "../../../src/domain/eval/evaluate.ts";
import type { EvaluationReport } from "../../../src/domain/eval/report.ts";
import { openAdapterRun } from "../../../src/domain/recipes/adapter.ts";
import type { AdapterSettings } from "../../../src/domain/recipes/adapter-job.ts";
import type { TrainedAdapter } from "../../../src/domain/recipes/adapter-run.ts";
import type { Backend } from "../../../src/engine/backend.ts";
import { expectClose } from "../../close.ts";
import { openTestCpu } from "./open-backend.ts";
import { runToEnd } from "./run-to-end.ts";
import { guideData, sampleData, type VectorSet } from "./training-sets.ts";

// Trained and chosen on Lyft, judged on Uber: the numbers of issue and reference. Where the data is not on this machine
// the same flow is proved on the bundled sample, and one line says so.
const lyft = guideData("train");
const uber = guideData("val");
const train = lyft ?? sampleData("train");
const judged = uber ?? sampleData("test");
const guide = lyft !== undefined && uber !== undefined;
if (!guide)
  process.stdout.write(
    "../shared/data/lyft-uber-10k is absent: its figures are not checked, the sample stands in\n",
  );

const features = train.queries.columns;
const linear = { kind: "linear", features, bias: false } as const;

let cpu: Backend;
beforeAll(async () => {
  cpu = await openTestCpu();
});

interface Finished {
  readonly trained: TrainedAdapter;
  readonly report: EvaluationReport;
}

async function finish(settings: AdapterSettings, instruction = false): Promise<Finished> {
  const own = (set: VectorSet) => (instruction ? { ...set, queries: set.queriesInstruction! } : set);
  const run = await openAdapterRun(cpu, own(train), settings);
  const { result: trained } = await runToEnd(run);
  run.dispose();
  const report = evaluate(judged.dataset, judged, {
    instruction,
    adapter: trained,
    fusion: trained.fusion,
    seed: 0,
  });
  return { trained, report };
}

/** hit@5 and MRR@10 of a system. */
function figures(
  report: EvaluationReport,
  system: keyof EvaluationReport["systems"],
): readonly [number, number] {
  const metrics = report.systems[system]!;
  return [metrics["hit@5"], metrics["mrr@10"]];
}

test("compatible linear, 4 epochs of batches of 10, moves the base as little as LlamaIndex's does", async () => {
  const { trained, report } = await finish({
    mode: "compatible",
    adapter: linear,
    epochs: 4,
    batchSize: 10,
    seed: 0,
  });
  expect(trained.losses).toHaveLength(4 * Math.ceil(train.dataset.queries.length / 10));
  expect(report.delta!["mrr@10"].value).toBeGreaterThan(-0.02);
  if (!guide) return;
  expectClose(figures(report, "base"), [0.7835, 0.6575], { absolute: 0.003 });
  expectClose(figures(report, "baseInstruction"), [0.7937, 0.672], { absolute: 0.003 });
  expectClose(figures(report, "bm25"), [0.8886, 0.771], { absolute: 0.0005 });
  expectClose(figures(report, "tuned"), [0.7924, 0.6624], { absolute: 0.003 });
  expect(report).toMatchObject({ queries: 790, clusters: 395 });
  expect(report.medianCopyRate).toBeCloseTo(0.68, 2);
});

test("recommended, everything chosen inside the training file, is better than the base beyond chance", async () => {
  const { trained, report } = await finish({ mode: "recommended", adapter: linear, seed: 0 });
  expect(trained.heldOut!.tuned).toBeGreaterThan(trained.heldOut!.base);
  expect(report.systems.hybridTuned!["mrr@10"]).toBeGreaterThan(report.systems.base!["mrr@10"]);
  if (!guide) return;
  expect(report.systems.tuned!["mrr@10"]).toBeGreaterThanOrEqual(0.68);
  expect(report.delta!["mrr@10"].low).toBeGreaterThan(0);
  expect(report.verdict).toBe("better");
  const [hit, mrr] = figures(report, "hybridTuned");
  expect(hit).toBeGreaterThanOrEqual(0.92);
  expect(mrr).toBeGreaterThanOrEqual(0.812);
  expect(report.systems.hybridBase!["mrr@10"]).toBeGreaterThan(0.8);
});

test("with the instruction on both sides the adapter is judged against the base that has it too", async () => {
  const settings: AdapterSettings = { mode: "recommended", adapter: linear, seed: 0, queryInstruction: "…" };
  const { trained, report } = await finish(settings, true);
  const gain = report.systems.tuned!["mrr@10"] - report.systems.baseInstruction!["mrr@10"];
  expect(report.delta!["mrr@10"].value).toBeCloseTo(gain, 12);
  expect(trained.heldOut!.tuned).toBeGreaterThan(trained.heldOut!.base);
  if (!guide) return;
  expect(report.systems.tuned!["hit@5"]).toBeGreaterThanOrEqual(0.81);
  expect(report.systems.hybridTuned!["mrr@10"]).toBeGreaterThanOrEqual(0.812);
});
