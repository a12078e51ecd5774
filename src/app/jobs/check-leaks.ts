import type { Dataset } from "../../domain/data/dataset.ts";
import { groupsOf } from "../../domain/data/dataset.ts";
import { LEAK_KINDS, leakReport } from "../../domain/data/leak-report.ts";
import type { Leak, LeakReport, SideVectors } from "../../domain/data/leak-report.ts";
import type { Tie } from "../../domain/data/ties.ts";
import type { RunControl } from "../../domain/ports.ts";
import { spaceOf } from "../encoders/known-encoders.ts";
import type { EncoderFacts } from "../encoders/known-encoders.ts";
import type { SourceContent } from "../storage/project-store.ts";
import type { VectorCache } from "../storage/vector-cache.ts";
import type { LeakExample, LeakView, TieView } from "../studio-gate.ts";
import { merged } from "./project-data.ts";
import type { ProjectData } from "./project-data.ts";

/** What is kept of a leak report: all ids, and texts of the strongest cases. */
export type LeakFinding = Omit<LeakView, "stale" | "together" | "movable">;

const EXAMPLES = 8; // of each kind
const TIES = 400;
const TEXT = 700; // characters of an example

/** Compares the two sides of a project, with vectors where they are cached. */
export async function checkProjectLeaks(
  { train, test }: ProjectData,
  { cache, encoder }: { readonly cache: VectorCache; readonly encoder: EncoderFacts },
  control: RunControl = {},
): Promise<LeakFinding> {
  const rows = (texts: readonly { readonly text: string }[]): ReturnType<VectorCache["find"]> =>
    cache.find(
      spaceOf(encoder, ""),
      texts.map(({ text }) => text),
    );
  const side = async ({ queries, passages }: Dataset): Promise<SideVectors> => ({
    questions: await rows(queries),
    passages: await rows(passages),
  });
  const vectors = { train: await side(train), test: await side(test) };
  return leakFinding(await leakReport(train, test, { ...control, vectors }), { train, test });
}

/** A report with the texts a person needs to see. */
function leakFinding(report: LeakReport, { train, test }: ProjectData): LeakFinding {
  const texts = { train: textsOf(train), test: textsOf(test) };
  const { counts, questions, groups, compared, ties } = report;
  return {
    ...{ counts, questions, groups, compared },
    testQuestions: test.queries.length,
    examples: LEAK_KINDS.flatMap((kind) =>
      report.leaks.filter((leak) => leak.kind === kind).slice(0, EXAMPLES),
    ).map((leak) => exampleOf(leak, texts)),
    ties: [
      ...ties.test.map((tie) => tieOf(tie, texts.test)),
      ...ties.train.map((tie) => tieOf(tie, texts.train)),
    ]
      .sort((a, b) => b.share - a.share)
      .slice(0, TIES),
  };
}

/** Whether every linked group is among those that are divided here, so that a move can keep them on one side. */
export function movable(contents: readonly SourceContent[], groups: LeakFinding["groups"]): boolean {
  const own = contents.filter(({ source }) => source.role === "split");
  const rows = own.map(({ passages, questions }) => ({ passages, queries: questions }));
  const names = new Set(groupsOf(merged(rows)));
  return (
    groups.length > 0 &&
    groups.every(({ train, test }) => [...train, ...test].every((name) => names.has(name)))
  );
}

type Texts = ReadonlyMap<string, string>;

function textsOf({ queries, passages }: Dataset): Texts {
  return new Map([
    ...queries.map(({ id, text }) => [`question ${id}`, text] as const),
    ...passages.map(({ id, text }) => [`passage ${id}`, text] as const),
  ]);
}

function exampleOf({ kind, share, test, train }: Leak, texts: { train: Texts; test: Texts }): LeakExample {
  const row = kind.endsWith("question") ? "question" : "passage";
  return {
    ...{ kind, share },
    test: cut(texts.test.get(`${row} ${test}`)),
    train: cut(texts.train.get(`${row} ${train}`)),
  };
}

function tieOf({ passage, other, share, queries }: Tie, texts: Texts): TieView {
  return {
    ...{ passage, other, share, questions: queries.length },
    text: cut(texts.get(`passage ${passage}`)),
    otherText: cut(texts.get(`passage ${other}`)),
  };
}

function cut(text = ""): string {
  return text.length > TEXT ? `${text.slice(0, TEXT)}…` : text;
}
