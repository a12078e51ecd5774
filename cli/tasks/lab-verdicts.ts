import { judgeConfusion } from "../../src/domain/lab/judge/judge-measures.ts";
import { judgeTask } from "../../src/domain/lab/judge/judge-task.ts";
import { selectorReport, selectTask } from "../../src/domain/lab/select/select-task.ts";
import type { SelectExample } from "../../src/domain/lab/select/select-rows.ts";
import { plainSystem, type LabSystem } from "./lab-system.ts";

/** A judge, with what it says against what the reference says. */
export function judging(): LabSystem {
  return {
    ...plainSystem(judgeTask),
    further({ arms }) {
      const confusion = { base: judgeConfusion(arms["base"]!), tuned: judgeConfusion(arms["tuned"]!) };
      return Promise.resolve({ record: { confusion }, summary: "" });
    },
  };
}

/** A selector; over one set of choices with the figures that `retune run` gives of a router. */
export function selecting(seed: number): LabSystem {
  return {
    ...plainSystem(selectTask),
    further({ data, arms }) {
      const examples = data.test as readonly SelectExample[];
      const report = selectorReport(examples, arms["base"]!, arms["tuned"]!, { seed });
      if (!report) return Promise.resolve({ record: {}, summary: "" });
      const { base, tuned, confusion, confused } = report;
      return Promise.resolve({ record: { router: { base, tuned, confusion, confused } }, summary: "" });
    },
  };
}
