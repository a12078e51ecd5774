import type { LabTaskId } from "../../domain/lab/lab-task.ts";
import type { LabRecord, LabRunRecord } from "../storage/lab-records.ts";
import type * as lab from "../studio-lab.ts";

export const SAMPLE_NAMES: Readonly<Record<LabTaskId, string>> = {
  sft: "Sample: a teacher's answers",
  "text-to-sql": "Sample: questions to SQL",
  code: "Sample: a small command language",
  "function-calling": "Sample: calls of functions",
  memorise: "Sample: facts to remember",
  "ra-dit": "Sample: answers from retrieved notes",
  judge: "Sample: which answer is right",
  react: "Sample: an agent with tools",
  style: "Sample: a house style",
  "llm-selector": "Sample: choosing a tool",
};

export function summaryOf(record: LabRecord, runs: number): lab.LabSummary {
  const { id, name, system, sample, createdAt, files } = record;
  const rows = files.filter(({ side }) => side !== "replay").reduce((sum, file) => sum + file.rows, 0);
  return { id, name, system, sample, createdAt, rows, runs };
}

/** A run that has not begun; its number and the hash of its rows come with the record. */
export function newLabRun(labId: string, recipe: lab.LabRecipe): Omit<LabRunRecord, "number" | "dataHash"> {
  return {
    ...{ id: crypto.randomUUID(), labId, recipe, state: "running", stage: "loading" },
    ...{ startedAt: Date.now(), seconds: 0, progress: { done: 0, total: 0 }, losses: [], looks: [] },
    ...{ tokensPerSecond: null, backend: "", notes: [] },
  };
}
