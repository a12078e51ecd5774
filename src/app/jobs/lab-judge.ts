import { compareAnswers } from "../../domain/lab/compare.ts";
import type { LabAnswer, LabExample, LabTask } from "../../domain/lab/lab-task.ts";
import type { LanguageModel } from "../../domain/generate/language-model.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { LabArm, LabRecipe, LabResultRow, LabResults, LabStage } from "../studio-lab.ts";
import { rowView, type LabData } from "./lab-data.ts";
import type { OpenPair } from "./lab-kept.ts";

type Tell = (stage: LabStage, done: number, total: number) => void;

/** Base and tuned on the same rows; under the constraint, too, where the recipe asks for it. */
export async function judgeLab(
  data: LabData,
  examples: readonly LabExample[],
  { base, tuned }: OpenPair,
  recipe: LabRecipe,
  tell: Tell,
): Promise<LabResults> {
  if (!tuned) throw new RetuneError("usage", "There is nothing tuned to judge yet.");
  const task = data.task.judgedBy?.(data.train) ?? data.task;
  const examine = (
    model: LanguageModel,
    stage: LabStage,
    constrained: boolean,
  ): Promise<readonly LabAnswer[]> => {
    const { maxNewTokens } = recipe;
    const { seed } = recipe.settings;
    const onProgress = ({ done, total }: { done: number; total: number }): void => tell(stage, done, total);
    return task.examine(model, examples, { maxNewTokens, constrained, seed }, { onProgress });
  };
  const arms: Partial<Record<LabArm, readonly LabAnswer[]>> = {
    base: await examine(base, "asking-base", false),
    tuned: await examine(tuned, "asking-tuned", false),
  };
  if (recipe.constrained) {
    arms["base-constrained"] = await examine(base, "asking-base", true);
    arms["tuned-constrained"] = await examine(tuned, "asking-tuned", true);
  }
  const compared = (before: LabArm, after: LabArm) =>
    compareAnswers(task, examples, arms[before]!, arms[after]!, recipe.settings.seed);
  return {
    comparison: compared("base", "tuned"),
    constrained: recipe.constrained ? compared("base-constrained", "tuned-constrained") : null,
    rows: examples.map((example, row) => resultRow(task, example, row, arms)),
  };
}

function resultRow(
  task: LabTask,
  example: LabExample,
  row: number,
  arms: Readonly<Partial<Record<LabArm, readonly LabAnswer[]>>>,
): LabResultRow {
  const answers = Object.entries(arms).map(([arm, own]) => {
    const { text, measures, detail } = own[row]!;
    return [arm, { text, measures, ...(detail ? { detail } : {}) }] as const;
  });
  return { ...rowView(task, example), answers: Object.fromEntries(answers) };
}
