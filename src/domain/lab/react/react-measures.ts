import type { LabMeasure } from "../lab-task.ts";

const shared = { better: "higher", unit: "share" } as const;

/** The first decides; the last three are of whole trajectories in the sandbox. */
export const REACT_MEASURES: readonly LabMeasure[] = [
  {
    ...shared,
    key: "exactStep",
    label: "Exact steps",
    meaning:
      "How often a step is the trace's own: the same tool with the same arguments, or the same answer.",
  },
  {
    ...shared,
    key: "formatValid",
    label: "Format valid",
    meaning: "How often a step can be read: a thought, then an action with JSON arguments or an answer.",
  },
  {
    ...shared,
    key: "toolAccuracy",
    label: "Tool accuracy",
    meaning: "How often the right tool is called where the trace calls one.",
  },
  {
    ...shared,
    key: "argumentAccuracy",
    label: "Argument accuracy",
    meaning: "How often the right tool is called with exactly the right arguments.",
  },
  {
    ...shared,
    key: "taskSuccess",
    label: "Task success",
    meaning:
      "How often the agent, left alone with the tools for at most six steps, ends with a right answer.",
  },
  {
    key: "loopRate",
    label: "Loops",
    meaning: "How often the agent makes a call that it made before in the same task.",
    better: "lower",
    unit: "share",
  },
  {
    key: "steps",
    label: "Steps",
    meaning: "Steps that the agent takes for a task, six at most.",
    better: "lower",
    unit: "number",
  },
];
