import type { TrainingStep } from "../../src/domain/recipes/adapter-job.ts";
import { ProgressLine } from "../ports/progress.ts";

/** What all recipes' runs have in common. */
interface Pulled<Trained> {
  steps(): AsyncGenerator<TrainingStep, Trained, void>;
}

/** Trains to the end with one line of progress a phase; `onStep` is awaited between steps. */
export async function pull<Trained extends { readonly losses: readonly number[] }>(
  run: Pulled<Trained>,
  onStep?: (step: TrainingStep) => Promise<void> | void,
): Promise<Trained> {
  const lines = new Map<TrainingStep["phase"], ProgressLine>();
  const steps = run.steps();
  for (;;) {
    const { value, done } = await steps.next();
    if (done) {
      lines.get("final")?.finish(`${value.losses.length} steps`);
      return value;
    }
    let line = lines.get(value.phase);
    if (!line) {
      lines.get("search")?.finish();
      line = new ProgressLine(value.phase === "search" ? "searching" : "training");
      lines.set(value.phase, line);
    }
    const best = value.validation ? `, held out ${value.validation.mrr.toFixed(4)}` : "";
    line.show({
      done: value.step,
      total: value.totalSteps,
      label: `loss ${value.loss.toFixed(4)}${best}`,
    });
    await onStep?.(value);
  }
}
