import type { TrainingStep } from "./adapter-job.ts";
import { nextYield } from "./back-pressure.ts";
import type { SearchGround } from "./search-ground.ts";

/** One training from the initial weights: a trial of the search, or the final training. */
export interface Stretch {
  readonly phase: TrainingStep["phase"];
  readonly settings: { readonly learningRate: number; readonly scale: number };
  readonly questions: Uint32Array;
  readonly looks: readonly number[]; // steps after which to look, ascending; the last one ends the stretch
  readonly done: number; // steps of the phase before this stretch
  readonly total: number; // steps of the phase
  look?(index: number): Promise<TrainingStep["validation"]>;
}

/** Where a stretch stands. */
export interface StretchProgress {
  taken: number; // optimizer steps
  losses: number[]; // of the final training, one a step
}

/** Takes the steps of a stretch from where it stands. A look follows its last step, before that step is yielded. */
export async function* takeSteps(
  { steps, batches, initial, rhythm }: SearchGround,
  progress: StretchProgress,
  stretch: Stretch,
): AsyncGenerator<TrainingStep, void, void> {
  const { phase, settings, questions, looks, done, total } = stretch;
  const { learningRate } = settings;
  const feedsAt = batches.over(questions);
  const kind = batches.kind(settings.scale);
  if (progress.taken === 0) steps.reset(initial);
  let next = looks.filter((end) => end <= progress.taken).length;
  while (progress.taken < looks.at(-1)!) {
    const until = nextYield(progress.taken, looks[next]!, rhythm);
    for (let step = progress.taken; step < until; step++) steps.run(kind, { ...feedsAt(step), learningRate });
    const rows = await steps.collect();
    progress.taken = until;
    if (phase === "final") progress.losses.push(...rows.map((row) => row["loss"]!));
    let validation: TrainingStep["validation"];
    for (; next < looks.length && looks[next]! <= until; next++) validation = await stretch.look?.(next);
    yield {
      phase,
      step: Math.min(total, done + until),
      totalSteps: total,
      epoch: (until * batches.batchSize) / questions.length,
      loss: rows.at(-1)!["loss"]!,
      learningRate,
      gradientNorm: rows.at(-1)!["norm"]!,
      ...(validation ? { validation } : {}),
    };
  }
}
