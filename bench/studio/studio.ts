// The program without its face, for measurements through the same workers as the page's.
import { createStudio } from "../../src/app/local-studio.ts";
import type { EvaluationReport } from "../../src/domain/eval/report.ts";
import type { AdapterSettings } from "../../src/domain/recipes/adapter-job.ts";
import type { JobView, Studio, StudioEvent } from "../../src/app/studio.ts";

export interface Measured {
  readonly report: EvaluationReport;
  readonly embedSeconds: number;
  readonly backend: string;
}

export interface Collection {
  readonly train: string; // texts of dataset files
  readonly test: string;
}

const SETTINGS: AdapterSettings = {
  mode: "compatible",
  adapter: { kind: "linear", features: 384, bias: false },
  epochs: 1,
  seed: 0,
};

/** Imports both files, embeds them in the embed worker, trains one epoch and judges. */
async function measure(studio: Studio, { train, test }: Collection): Promise<Measured> {
  const { id } = await studio.createProject("measured");
  await studio.addFiles(id, [new File([train], "train.json")], "train");
  await studio.addFiles(id, [new File([test], "test.json")], "test");
  const started = performance.now();
  const embedding = ended(studio, await studio.embed(id));
  await embedding;
  const embedSeconds = (performance.now() - started) / 1000;
  const runId = await studio.startRun(id, { task: "adapter", settings: SETTINGS });
  const run = await finished(studio, runId);
  return { report: await studio.report(runId), embedSeconds, backend: run };
}

/** Resolves when the job is finished. */
function ended(studio: Studio, jobId: string): Promise<void> {
  return new Promise((done, fail) => {
    const hear = (job: JobView): void => {
      if (job.state === "finished") done();
      else if (job.state === "failed" || job.state === "cancelled")
        fail(new Error(job.error?.message ?? job.state));
      else console.info(`embedded ${job.done}/${job.total} ${job.label}`);
    };
    studio.subscribe((event: StudioEvent) => {
      if (event.kind === "job" && event.job.id === jobId) hear(event.job);
    });
  });
}

/** Resolves with the backend's name when the run is finished. */
async function finished(studio: Studio, runId: string): Promise<string> {
  for (;;) {
    const run = await studio.run(runId);
    if (run.state === "finished") return run.backend;
    if (run.state === "failed") throw new Error(run.error?.message ?? "the run failed");
    await new Promise((next) => setTimeout(next, 500));
  }
}

const studio = await createStudio();
Object.assign(globalThis, { studio, measure: (collection: Collection) => measure(studio, collection) });
