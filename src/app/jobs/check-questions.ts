import type { Dataset, Passage, Query } from "../../domain/data/dataset.ts";
import { checkQuestions } from "../../domain/data/gate.ts";
import type { QuestionFlag } from "../../domain/data/gate-flags.ts";
import type { GateVectors } from "../../domain/data/gate-search.ts";
import { matrixOf } from "../../domain/matrix.ts";
import type { RunControl } from "../../domain/ports.ts";
import { spaceOf } from "../encoders/known-encoders.ts";
import type { EncoderFacts } from "../encoders/known-encoders.ts";
import type { SourceContent } from "../storage/project-store.ts";
import type { StoredQuestion } from "../storage/records.ts";
import type { VectorCache } from "../storage/vector-cache.ts";
import type { GateSettings, GateView } from "../studio-gate.ts";

export interface CheckedQuestions {
  readonly view: GateView;
  readonly flags: ReadonlyMap<string, readonly QuestionFlag[]>; // by question id: every checked question, [] where fine
}

/**
 * Checks all questions that are not rejected against all passages of the project, with the base encoder's vectors where
 * they are cached. A text that stands in two files is one passage.
 */
export async function checkProject(
  contents: readonly SourceContent[],
  { cache, encoder }: { readonly cache: VectorCache; readonly encoder: EncoderFacts },
  { top }: GateSettings,
  control: RunControl = {},
): Promise<CheckedQuestions> {
  const dataset = candidates(contents);
  const vectors = await gateVectors(dataset, cache, encoder);
  const report = await checkQuestions(dataset, { ...control, top, vectors });
  const flags = new Map(dataset.queries.map(({ id }) => [id, report.flags.get(id) ?? []]));
  const { counts, searched } = report;
  return { flags, view: { checked: flags.size, flagged: report.flags.size, counts, searched, top } };
}

/** Every question once by id, over every text once. */
function candidates(contents: readonly SourceContent[]): Dataset {
  const passages = new Map<string, Passage>(); // by text
  const queries = new Map<string, Query>();
  for (const { passages: own, questions } of contents) {
    const ids = new Map<string, string>();
    for (const { id, text } of own) {
      const known = passages.get(text) ?? { id: `p${passages.size}`, text };
      passages.set(text, known);
      ids.set(id, known.id);
    }
    for (const { id, text, relevant, origin, state } of questions) {
      if (state === "rejected" || queries.has(id)) continue;
      const right = relevant.flatMap(({ passage, grade }) => {
        const known = ids.get(passage);
        return known === undefined ? [] : [{ passage: known, grade }];
      });
      queries.set(id, { id, text, relevant: right, ...(origin ? { origin } : {}) });
    }
  }
  return { queries: [...queries.values()], passages: [...passages.values()] };
}

async function gateVectors(
  { queries, passages }: Dataset,
  cache: VectorCache,
  encoder: EncoderFacts,
): Promise<GateVectors> {
  const space = spaceOf(encoder, "");
  const find = (rows: readonly { readonly text: string }[]): ReturnType<VectorCache["find"]> =>
    cache.find(
      space,
      rows.map(({ text }) => text),
    );
  const found = (await find(passages)).filter((row) => row !== undefined);
  const whole = found.length > 0 && found.length === passages.length;
  return { questions: await find(queries), passages: whole ? matrixOf(found) : null };
}

/**
 * The question with what the check says of it: a written one with a flag waits for review until a person decided, and
 * leaves it again when the flags are gone. The same object where nothing changes.
 */
export function withFlags(
  question: StoredQuestion,
  flags: readonly QuestionFlag[] | undefined,
): StoredQuestion {
  if (flags === undefined) return question;
  const state = stateAfter(question, flags);
  const same = question.state === state && JSON.stringify(question.flags) === JSON.stringify(flags);
  return same ? question : { ...question, state, flags };
}

function stateAfter(
  { state, decided, origin }: StoredQuestion,
  flags: readonly QuestionFlag[],
): StoredQuestion["state"] {
  if (decided || state === "rejected") return state;
  const written = origin?.kind === "rule" || origin?.kind === "teacher";
  return written && flags.length > 0 ? "review" : "accepted";
}
