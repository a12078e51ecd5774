import type { OpenPair } from "../../src/app/jobs/lab-kept.ts";
import type { ChatFormat } from "../../src/domain/chat/chat-format.ts";
import type { LabTask } from "../../src/domain/lab/lab-task.ts";
import type { Backend } from "../../src/engine/backend.ts";
import type { LabData } from "../run/lab-data.ts";
import type { LabArms } from "../run/lab-record.ts";

/** What a job has in hand once both models were asked. */
export interface Asked {
  readonly data: LabData; // `test` are the rows that were asked
  readonly pair: OpenPair;
  readonly arms: LabArms;
  readonly task: LabTask;
  readonly backend: Backend;
  readonly tunedHash: string; // of the tuned weights: equal only where the model is
}

/** A system of the lab as a job runs it: what it judges with, and what it says beside base and tuned. */
export interface LabSystem {
  readonly task: LabTask;
  /** Rows that need something before they can be learnt: passages that a retriever brings. */
  prepared(data: LabData): Promise<LabData>;
  /** What a service that trains would count and charge. */
  estimate?(data: LabData, format: ChatFormat): object;
  /** Further figures for run.json and stdout. */
  further?(asked: Asked): Promise<{ readonly record: object; readonly summary: string }>;
  /** Files of its own in the run's folder. */
  write?(out: string): Promise<void>;
  close(): Promise<void>;
}

/** A system that needs nothing beside its rows. */
export function plainSystem(task: LabTask): LabSystem {
  return { task, prepared: (data) => Promise.resolve(data), close: () => Promise.resolve() };
}
