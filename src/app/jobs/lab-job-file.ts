import type { LabRecord } from "../storage/lab-records.ts";
import type { LabRecipe } from "../studio-lab.ts";

/** A lab run as a job for `npm run -s retune -- run JOB.json --out DIR`; files are named as the person gave them. */
export function labJobFile({ system, files }: LabRecord, recipe: LabRecipe, model: string): string {
  const nameOf = (side: string): string | undefined => files.find((file) => file.side === side)?.name;
  const { method, lora, frozen, replayShare, validation: _looks, ...numbers } = recipe.settings;
  const replay = nameOf("replay");
  const job = {
    task: system,
    model,
    train: nameOf("train"),
    test: nameOf("test"),
    method,
    lora,
    base: frozen,
    ...numbers,
    learn: recipe.learn,
    maxTokens: recipe.maxTokens,
    maxNewTokens: recipe.maxNewTokens,
    constrained: recipe.constrained,
    testRows: recipe.judgedRows,
    ...(replay === undefined
      ? {}
      : { replay: { file: replay, ...(replayShare ? { share: replayShare } : {}) } }),
    export: ["peft"],
  };
  return `${JSON.stringify(job, null, 2)}\n`;
}
