import type { TrainingStep } from "../../../src/domain/recipes/adapter-job.ts";
import type { AdapterRun, TrainedAdapter } from "../../../src/domain/recipes/adapter-run.ts";
import type { RecipeState } from "../../../src/domain/recipes/recipe-state.ts";

/** Pulls a run to its end. */
export async function runToEnd(run: AdapterRun): Promise<{ steps: TrainingStep[]; result: TrainedAdapter }> {
  const steps: TrainingStep[] = [];
  const generator = run.steps();
  for (;;) {
    const next = await generator.next();
    if (next.done) return { steps, result: next.value };
    steps.push(next.value);
  }
}

/** Pulls `count` yields and takes the state there, as a page would before it dies: through JSON and copied bytes. */
export async function stateAfter(run: AdapterRun, count: number): Promise<RecipeState> {
  const generator = run.steps();
  for (let pulled = 0; pulled < count; pulled++) {
    if ((await generator.next()).done)
      throw new Error(`the run ended after ${pulled} yields, before ${count}`);
  }
  const { tensors, ...small } = await run.state();
  const copies = Object.fromEntries(Object.entries(tensors).map(([name, values]) => [name, values.slice()]));
  return { ...(JSON.parse(JSON.stringify(small)) as Omit<RecipeState, "tensors">), tensors: copies };
}
