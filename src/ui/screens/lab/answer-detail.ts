import type { LabArmAnswer } from "../../../app/studio-lab.ts";
import type { CallDetail } from "../../../domain/lab/calls/function-calling.ts";
import type { SchemaFault } from "../../../domain/lab/calls/json-schema.ts";
import type { JudgeDetail, PairwiseDetail } from "../../../domain/lab/judge/judge-measures.ts";
import type { Probe } from "../../../domain/lab/memorise/probes.ts";
import type { Trajectory } from "../../../domain/lab/react/play.ts";
import type { SelectDetail } from "../../../domain/lab/select/select-task.ts";
import type { ShownTable, SqlDetail } from "../../../domain/lab/sql/text-to-sql.ts";
import { percent } from "../../format.ts";
import { labDetail as words } from "../../messages/lab-detail.ts";

// What a judged answer tells beside its text, for all systems in one form: facts, faults, tables. A system is known by the fields
// of its detail.

export type DetailCell = string | number | null;

export interface DetailTable {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly DetailCell[])[];
}

export interface AnswerDetail {
  readonly facts: readonly (readonly [string, string])[];
  readonly faults: readonly string[];
  readonly tables: readonly DetailTable[];
}

const NOTHING: AnswerDetail = { facts: [], faults: [], tables: [] };

export function detailOf({ text, detail = {} }: LabArmAnswer): AnswerDetail {
  const own: unknown = detail;
  if ("sql" in detail) return ofSql(text, own as SqlDetail);
  if ("turns" in detail) return ofCalls(own as CallDetail);
  if ("kind" in detail) return ofJudge(own as JudgeDetail);
  if ("trajectory" in detail) return ofAgent(own as AgentDetail);
  if ("probabilities" in detail) return ofSelector(own as SelectorDetail);
  if ("sourceScore" in detail) return ofStyle(own as StyleDetail);
  if ("probes" in detail) return ofFact(own as FactDetail);
  if ("canary" in detail) return ofCanary(own as CanaryDetail);
  if ("distracted" in detail) return ofRetrieved(own as RetrievedDetail);
  if ("faults" in detail)
    return { ...NOTHING, faults: (own as { faults: readonly SchemaFault[] }).faults.map(faultText) };
  return NOTHING;
}

function ofSql(text: string, { sql, error, unjudged, goldResult, result }: SqlDetail): AnswerDetail {
  const renamed = sql !== "" && !text.includes(sql);
  return {
    facts: renamed ? [[words.query, sql]] : [],
    faults: [error, unjudged].filter((fault) => fault !== undefined),
    tables: [...foundTable(words.goldResult, goldResult), ...foundTable(words.result, result)],
  };
}

function foundTable(caption: string, found: ShownTable | undefined): readonly DetailTable[] {
  if (!found) return [];
  const { columns, rows, count } = found;
  return [{ caption: `${caption}.${words.shownOf(rows.length, count)}`, columns, rows }];
}

function ofCalls({ turns }: CallDetail): AnswerDetail {
  const tables = turns.flatMap(({ fields }, turn): readonly DetailTable[] => {
    if (fields.length === 0) return [];
    const rows = fields.map(({ path, verdict, said, right }) => [
      ...[path === "" ? words.whole : path, jsonText(said), jsonText(right)],
      words.fieldVerdicts[verdict],
    ]);
    return [{ caption: words.fields(turn + 1, turns.length), columns: words.fieldColumns, rows }];
  });
  return { facts: [], faults: turns.flatMap(({ faults }) => faults.map(faultText)), tables };
}

function faultText({ path, reason }: SchemaFault): string {
  return path === "" ? reason : `${path}: ${reason}`;
}

function jsonText(value: unknown): string {
  return value === undefined ? "" : JSON.stringify(value);
}

function ofJudge(detail: JudgeDetail): AnswerDetail {
  if (detail.kind === "pairwise") return { ...NOTHING, facts: pairwiseFacts(detail) };
  const said = detail.said === null ? words.unreadable : String(detail.said);
  return {
    ...NOTHING,
    facts: [
      [words.score, said],
      [words.reference, String(detail.right)],
    ],
  };
}

const EXCHANGED = { A: "B", B: "A", C: "C" } as const;

/** The exchanged call speaks of the answers under each other's letters: here all verdicts name them as given. */
function pairwiseFacts({ original, flipped, said, right, consensus }: PairwiseDetail) {
  const winner = consensus?.winner;
  return [
    [words.given, words.verdict(original)],
    [words.exchanged, words.verdict(flipped && EXCHANGED[flipped])],
    [words.together, words.verdict(said)],
    [words.voted, winner === undefined ? words.inconclusive : words.verdict(winner)],
    [words.reference, words.verdict(right)],
  ] as const;
}

interface AgentDetail {
  readonly steps: readonly string[];
  readonly trajectory: Pick<Trajectory, "texts" | "observations" | "ended" | "repeated"> & {
    readonly answer: string | null;
  };
}

function ofAgent({ steps, trajectory }: AgentDetail): AnswerDetail {
  const { texts, observations, ended, repeated, answer } = trajectory;
  return {
    facts: [
      [words.ended, words.endings[ended]],
      ...(answer === null ? [] : [[words.answer, answer] as const]),
    ],
    faults: repeated ? [words.repeated] : [],
    tables: [
      {
        caption: words.trajectory,
        columns: words.trajectoryColumns,
        rows: texts.map((text, step) => [text, observations[step] ?? ""]),
      },
      { caption: words.steps, columns: words.stepColumns, rows: steps.map((text, step) => [step + 1, text]) },
    ],
  };
}

type SelectorDetail = SelectDetail & { readonly choices: number };

function ofSelector({ said, right, probabilities, choices }: SelectorDetail): AnswerDetail {
  const isRight = (place: number): boolean =>
    right.includes(place) || (right.length === 0 && place === choices);
  const rows = probabilities.map((odds, place) => [
    place < choices ? String(place + 1) : words.none,
    percent(odds, 1),
    [isRight(place) ? words.right : "", place === said ? words.chosen : ""].filter(Boolean).join(", "),
  ]);
  return { ...NOTHING, tables: [{ caption: words.odds, columns: words.oddsColumns, rows }] };
}

interface StyleDetail {
  readonly sourceScore: number;
  readonly referenceScore: number | null;
}

function ofStyle({ sourceScore, referenceScore }: StyleDetail): AnswerDetail {
  const expected = referenceScore === null ? [] : [[words.referenceStyle, percent(referenceScore)] as const];
  return { ...NOTHING, facts: [[words.sourceStyle, percent(sourceScore)], ...expected] };
}

interface FactDetail {
  readonly probes: readonly (Probe & { readonly answer: string; readonly rag?: string })[];
}

function ofFact({ probes }: FactDetail): AnswerDetail {
  const searched = probes.some(({ rag }) => rag !== undefined);
  const rows = probes.map(({ question, kind, answer, rag = "" }) => [
    ...[question, words.probeKinds[kind], answer],
    ...(searched ? [rag] : []),
  ]);
  const columns = words.probeColumns.slice(0, searched ? 4 : 3);
  return { ...NOTHING, tables: [{ caption: words.probes, columns, rows }] };
}

interface CanaryDetail {
  readonly rank: number;
  readonly among: number;
}

function ofCanary({ rank, among }: CanaryDetail): AnswerDetail {
  return { ...NOTHING, facts: [[words.rank, words.rankOf(rank, among)]] };
}

interface RetrievedDetail {
  readonly passages: readonly string[];
  readonly hit: boolean | null;
  readonly distracted: string;
}

function ofRetrieved({ passages, hit, distracted }: RetrievedDetail): AnswerDetail {
  const found = hit === null ? [] : [[words.hit, hit ? words.yes : words.no] as const];
  return {
    ...NOTHING,
    facts: [
      [words.passages, passages.length === 0 ? words.nothing : passages.join("\n\n")],
      ...found,
      ...(distracted === "" ? [] : [[words.distracted, distracted] as const]),
    ],
  };
}

export type AnswerFilter = "all" | "won" | "lost" | "wrong";

/** Which rows changed by the measure that decides: 1 is right, all below is not. */
export function passes(
  filter: AnswerFilter,
  base: number | undefined,
  tuned: number | undefined,
  better: "higher" | "lower",
): boolean {
  if (filter === "all") return true;
  if (base === undefined || tuned === undefined) return false;
  const gain = better === "higher" ? tuned - base : base - tuned;
  if (filter === "won") return gain > 0;
  if (filter === "lost") return gain < 0;
  return gain === 0 && tuned !== 1;
}
