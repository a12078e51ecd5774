import { RetuneError } from "../../engine/errors.ts";
import { functionCalling } from "./calls/function-calling.ts";
import { codeTask } from "./code/code-task.ts";
import { distilTask } from "./distil/distil.ts";
import type { LabTask, LabTaskId } from "./lab-task.ts";
import { judgeTask } from "./judge/judge-task.ts";
import { memoriseTask } from "./memorise/memorise.ts";
import { raditTask } from "./radit/radit.ts";
import { reactTask } from "./react/react-task.ts";
import { selectTask } from "./select/select-task.ts";
import { styleTask } from "./style/style-task.ts";
import { textToSql } from "./sql/text-to-sql.ts";

/** All systems of the lab, in the order in which they are shown. */
export const LAB_TASK_IDS: readonly LabTaskId[] = [
  "sft",
  "text-to-sql",
  "code",
  "function-calling",
  "memorise",
  "ra-dit",
  "judge",
  "react",
  "style",
  "llm-selector",
];

const ALL: readonly LabTask[] = [
  distilTask(),
  textToSql(),
  codeTask(),
  functionCalling,
  memoriseTask(),
  raditTask(),
  judgeTask,
  reactTask,
  styleTask,
  selectTask,
];

const TASKS: ReadonlyMap<LabTaskId, LabTask> = new Map(ALL.map((task) => [task.id, task]));

/** A system as it judges without further models. Throws "unsupported" for one that is not there. */
export function labTask(id: LabTaskId): LabTask {
  const task = TASKS.get(id);
  if (task) return task;
  throw new RetuneError(
    "unsupported",
    `the lab has no system "${id}"; it has ${[...TASKS.keys()].join(", ")}`,
  );
}
