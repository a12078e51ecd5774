import { resolve } from "node:path";
import { learnCurve } from "../../src/domain/recipes/learning-curve-trials.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import type { Command } from "../command.ts";
import { inJob } from "../job.ts";
import { showWarnings } from "../job-data.ts";
import { chooseBackend } from "../ports/backend.ts";
import { writeWhole } from "../ports/files.ts";
import { ProgressLine } from "../ports/progress.ts";
import { adviceInputs } from "../run/advice-inputs.ts";
import { settingsOf } from "../run/train.ts";

/** `retune curve`: what would twice the data bring? */
export const curveCommand: Command = {
  shape: {
    usage: "curve JOB.json --out FILE",
    summary: "train adapters on n/8 … n of the training documents and say what twice the data would bring",
    positionals: { name: "a job file of an adapter", atLeast: 1, atMost: 1 },
    options: { out: { required: true, value: "FILE", help: "the curve with its forecast, as JSON" } },
    details: "A quarter of the training documents is held out to judge by; the validation file stays closed.",
  },
  async run({ positionals, options }, { root }) {
    const { adapter: job, train, vectors } = await adviceInputs(positionals[0]!, root);
    if (!job) throw new RetuneError("usage", "retune curve trains adapters: give it the job file of one");
    const { backend } = await chooseBackend(job.backend, root, job.threads);
    const instructed = job.queryInstruction ? vectors.queriesInstruction : undefined;
    const data = { dataset: train.dataset, queries: instructed ?? vectors.queries, corpus: vectors.corpus };
    const line = new ProgressLine("learning curve");
    try {
      const settings = settingsOf(job, vectors.corpus.columns);
      const { learningRate, scale, alpha } = settings;
      const fixed = Object.fromEntries(
        Object.entries({ learningRate, scale, alpha }).filter(([, value]) => value !== undefined),
      );
      const curve = await inJob(job, undefined, () =>
        learnCurve(backend, data, settings, fixed, { onProgress: (progress) => line.show(progress) }),
      );
      line.finish(`${curve.points.length} sizes`);
      showWarnings(train);
      const out = resolve(options["out"]!);
      await writeWhole(out, `${JSON.stringify(curve, null, 2)}\n`);
      const rows = curve.points.map(
        ({ questions, error }) => `${String(questions).padStart(6)}  ${(1 - error.value).toFixed(4)}\n`,
      );
      process.stdout.write(`questions  MRR@10\n${rows.join("")}${curve.sentence}\n${out}\n`);
    } finally {
      backend.dispose();
    }
  },
};
