import type { Conversation } from "../../domain/chat/template-messages.ts";
import type { LabExample, LabTask } from "../../domain/lab/lab-task.ts";
import type { FactExample, ReplayExample } from "../../domain/lab/memorise/memorise-example.ts";
import { labTask } from "../../domain/lab/registry.ts";
import { sharedGroups, splitRows } from "../../domain/lab/split-rows.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { LabRecord } from "../storage/lab-records.ts";
import type { LabStore } from "../storage/lab-store.ts";
import type { LabRowView, LabSide, LabView } from "../studio-lab.ts";

/** A lab project's rows: what is learnt, what both models are asked, what must not be forgotten. */
export interface LabData {
  readonly task: LabTask;
  readonly train: readonly LabExample[];
  readonly test: readonly LabExample[];
  readonly replay: readonly LabExample[];
  readonly byFile: boolean; // a second file was given to judge by
  readonly obstacle: string | null; // why nothing can be trained yet
}

const SPLIT_SEED = 0; // the same rows are held out in every run, so that runs compare

export async function labData(store: LabStore, lab: LabRecord): Promise<LabData> {
  const task = labTask(lab.system);
  const rowsOf = (side: LabSide): Promise<readonly LabExample[]> => rowsOfFile(store, lab.id, side, task);
  const [train, test, replay] = await Promise.all([rowsOf("train"), rowsOf("test"), rowsOf("replay")]);
  const shared = { task, replay, byFile: test.length > 0 };
  if (train.length === 0) {
    return { ...shared, train, test, obstacle: "There are no rows to learn from yet. Add a file." };
  }
  const given = test.length > 0 ? { test } : {};
  try {
    return { ...shared, ...splitRows(task, train, { seed: SPLIT_SEED, ...given }), obstacle: null };
  } catch (error) {
    if (!(error instanceof RetuneError) || error.code !== "too-little-data") throw error;
    return { ...shared, train, test, obstacle: error.message };
  }
}

async function rowsOfFile(
  store: LabStore,
  labId: string,
  side: LabSide,
  task: LabTask,
): Promise<readonly LabExample[]> {
  const file = await store.file(labId, side);
  return file ? task.read(file.name, file.bytes, { skipBadRows: file.skipBadRows }).examples : [];
}

export function splitView({ train, test, byFile, obstacle }: LabData): LabView["split"] {
  const side = (rows: readonly LabExample[]) => ({
    rows: rows.length,
    groups: new Set(rows.map(({ group }) => group)).size,
  });
  const shared = byFile ? sharedGroups({ train, test }) : [];
  return { train: side(train), test: side(test), byFile, sharedGroups: shared, obstacle };
}

/** A row as a person reads it: the conversation up to its last answer, and that answer. */
export function rowView(task: LabTask, example: LabExample): LabRowView {
  const { id, line, group } = example;
  const conversation = task.conversations(example)[0];
  return { id, line, group, ...(conversation ? turnsOf(conversation) : askedOnly(example)) };
}

/** A row of which nothing is learnt, only asked: facts that are kept back, secrets, what must not be forgotten. */
function askedOnly(
  example: Partial<FactExample> & Partial<ReplayExample>,
): Pick<LabRowView, "prompt" | "answer"> {
  const { questions, question, answer = "" } = example;
  return { prompt: question ?? questions?.[0] ?? "", answer };
}

function turnsOf({ messages }: Conversation): Pick<LabRowView, "prompt" | "answer"> {
  const last = messages.at(-1);
  const prompt = messages.slice(0, -1).map(({ role, content = "" }) => {
    return messages.length === 2 ? content : `${role}: ${content}`;
  });
  const calls = last?.calls?.map(({ name, arguments: given }) => `${name}(${given})`) ?? [];
  return { prompt: prompt.join("\n\n"), answer: [last?.content ?? "", ...calls].filter(Boolean).join("\n") };
}
