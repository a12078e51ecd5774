import { rightPassages } from "../../domain/data/dataset.ts";
import type { DifferenceReport, QueryDifference, Remedy } from "../../domain/eval/advice-types.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { StoredQuestion } from "../storage/records.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { RemedyOutcome, RemedyRequest } from "../studio-verdicts.ts";

/** Changes questions of a run's project by what the run's differences say of them. */
export async function applyRemedy(
  workspace: Workspace,
  runId: string,
  { side, remedy, queries }: RemedyRequest,
): Promise<RemedyOutcome> {
  if (remedy === "hard-negative" && side === "test") {
    const text = "Nothing is trained on test questions, so a hard negative would teach nothing.";
    throw new RetuneError("usage", `${text} Look at the training side, fix the label or drop the question.`);
  }
  const { projectId } = await workspace.runs.get(runId);
  const found = await workspace.parts.finding(projectId, `differences ${side}`, { runId });
  if (!found) throw new RetuneError("usage", "Look for differences of this run first.");
  const known = new Map((found.value as DifferenceReport).rows.map((row) => [row.query, row]));
  for (const id of queries) {
    if (!known.has(id))
      throw new RetuneError("usage", `There is no question ${id} in this run's differences.`);
  }
  const wanted = new Set(queries);
  let changed = 0;
  await workspace.projects.changeQuestions(projectId, (question) => {
    if (!wanted.has(question.id)) return question;
    const after = remedied(question, known.get(question.id)!, remedy);
    if (after !== question) changed++;
    return after;
  });
  const unchanged = queries.length - changed;
  return { changed, unchanged, sentence: sentenceOf(remedy, changed, unchanged) };
}

/** The question after a remedy; the same object where there is nothing to change. */
export function remedied(
  question: StoredQuestion,
  { intruder }: Pick<QueryDifference, "intruder">,
  remedy: Remedy,
): StoredQuestion {
  if (remedy === "drop-query") {
    return question.state === "rejected" ? question : { ...question, state: "rejected" };
  }
  if (intruder === null) return question;
  const judgedRight = rightPassages(question).has(intruder);
  const negatives = question.negatives ?? [];
  if (remedy === "hard-negative") {
    if (judgedRight || negatives.includes(intruder)) return question;
    return { ...question, negatives: [...negatives, intruder] };
  }
  if (judgedRight) return question;
  const others = question.relevant.filter(({ passage }) => passage !== intruder);
  const { negatives: _wrong, ...rest } = question;
  const left = negatives.filter((passage) => passage !== intruder);
  return {
    ...rest,
    relevant: [...others, { passage: intruder, grade: 1 }],
    ...(question.negatives ? { negatives: left } : {}),
  };
}

const WORDS: Readonly<Record<Remedy, string>> = {
  "hard-negative": "got a hard negative",
  "fix-label": "got another right passage",
  "drop-query": "were dropped",
};

function sentenceOf(remedy: Remedy, changed: number, unchanged: number): string {
  if (changed === 0) return "Nothing had to be changed.";
  const questions = changed === 1 ? "1 question" : `${changed} questions`;
  const others = unchanged === 0 ? "" : `; ${unchanged} needed no change`;
  const did = changed === 1 ? WORDS[remedy].replace("were", "was") : WORDS[remedy];
  return `${questions} ${did}${others}. Repeat the run to see what it brings.`;
}
