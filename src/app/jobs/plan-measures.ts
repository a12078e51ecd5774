import type { Dataset } from "../../domain/data/dataset.ts";
import { leakNotes } from "../../domain/data/leaks.ts";

const MEASURED_STEPS = 4;

/** Seconds of a step, the first left out: it compiles and warms up. */
export async function secondsPerStep(steps: AsyncGenerator<{ readonly step: number }>): Promise<number> {
  const first = await steps.next();
  if (first.done) return 0;
  const started = performance.now();
  let last = first.value.step;
  for (let count = 0; count < MEASURED_STEPS; count++) {
    const next = await steps.next();
    if (next.done) break;
    last = next.value.step;
  }
  await steps.return(undefined);
  return last > first.value.step ? (performance.now() - started) / 1000 / (last - first.value.step) : 0;
}

export function dataWarnings(train: Dataset, test: Dataset): readonly string[] {
  const warnings: string[] = [];
  const [trained, judged] = [train.queries.length, test.queries.length];
  if (trained < 20)
    warnings.push(`Only ${trained} training questions: an adapter learns little from fewer than 20.`);
  if (judged < 30)
    warnings.push(`Only ${judged} test questions: fewer than 30 rarely show a reliable change.`);
  return [...warnings, ...leakNotes(train, test)];
}
