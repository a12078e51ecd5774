import { splitByGroup } from "../../domain/data/split.ts";
import type { Dataset } from "../../domain/data/dataset.ts";
import { groupsOf } from "../../domain/data/dataset.ts";
import type { QueryRow, SystemName } from "../../domain/eval/report.ts";
import { mean } from "../../domain/eval/statistics.ts";
import { FREE_RUNGS, RUNGS, rungGain } from "../../domain/recipes/ladder.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { RungRecord, RunRecord } from "../storage/records.ts";
import type { LadderView, Rung, RungName } from "../studio-training.ts";

const HELD_OUT = 0.2;
const SEED = 4711; // one split for every rung: they are compared question by question

/** The training side as the ladder divides it: what its rungs learn from, and what they are judged on. */
export function ladderParts(train: Dataset): { readonly learn: Dataset; readonly judge: Dataset } {
  if (new Set(groupsOf(train)).size < 5) {
    const text = "The ladder needs training questions of at least 5 documents, so that some can be held out.";
    throw new RetuneError("too-little-data", `${text} Import more, or judge single runs.`);
  }
  const [learn, judge] = splitByGroup(train, [1 - HELD_OUT, HELD_OUT], SEED).parts;
  return { learn: learn!, judge: judge! };
}

/** What a run of the ladder trains on; other runs train on everything. */
export function trainingPart(train: Dataset, { rung }: RunRecord): Dataset {
  return rung === undefined ? train : ladderParts(train).learn;
}

/** Reciprocal ranks (0 beyond the tenth) with the groups they belong to. */
export function reciprocalRanks(
  rows: readonly Pick<QueryRow, "query" | "ranks">[],
  system: SystemName,
  judged: Dataset,
): Pick<RungRecord, "reciprocalRanks" | "groups"> {
  return cutRanks(
    rows.map(({ query, ranks }) => ({ query, rank: ranks[system] ?? null })),
    judged,
  );
}

export function cutRanks(
  rows: readonly { readonly query: string; readonly rank: number | null }[],
  judged: Dataset,
): Pick<RungRecord, "reciprocalRanks" | "groups"> {
  const groups = new Map(groupsOf(judged).map((group, index) => [judged.queries[index]!.id, group]));
  return {
    reciprocalRanks: rows.map(({ rank }) => (rank !== null && rank <= 10 ? 1 / rank : 0)),
    groups: rows.map(({ query }) => groups.get(query) ?? query),
  };
}

export function rungKey(projectId: string, rung: RungRecord["rung"]): string {
  return `${projectId} ${rung}`;
}

interface Standing {
  readonly name: RungName | "base";
  readonly record: RungRecord;
}

/** What stands in the way of a rung, where something does. */
export type RungObstacles = Readonly<Partial<Record<RungName, string>>>;

/**
 * The ladder as it stands. A rung is better where the mean difference of reciprocal ranks to the present one is more
 * than one standard error above zero (clusters are documents). The next rung is the first that was not tried, unless the
 * last one that trained did not pay: then the ladder ends there, and what could be tried all the same is `anyway`.
 */
export function ladderView(
  records: readonly RungRecord[],
  runs: readonly RunRecord[],
  obstacles: RungObstacles,
): LadderView {
  const known = new Map(records.map((record) => [record.rung, record]));
  const base = known.get("base");
  let present: Standing | null = base ? { name: "base", record: base } : null;
  const rungs: Rung[] = [];
  for (const name of RUNGS) {
    const rung = rungOf(name, known.get(name), runs, present, obstacles[name] ?? null);
    rungs.push(rung);
    if (rung.state === "better") present = { name, record: known.get(name)! };
  }
  const open = rungs.find(({ state, obstacle }) => state === "untried" && obstacle === null)?.name ?? null;
  const end = endOf(rungs);
  const top = present?.name ?? "base";
  const questions = base?.reciprocalRanks.length ?? 0;
  const [next, anyway] = end === null ? [open, null] : [null, open];
  const advice = end === null ? adviceFor(rungs, top, next) : endAdvice(end, top);
  return { rungs, present: top, next, anyway, questions, advice };
}

/** The rung that ends the climb: of those that train, the topmost that was judged, where it did not pay. */
function endOf(rungs: readonly Rung[]): Rung | null {
  if (rungs.some(({ state }) => state === "running" || state === "paused")) return null;
  const last = rungs.findLast(({ state }) => state === "better" || state === "no-gain");
  return last?.state === "no-gain" && !FREE_RUNGS.includes(last.name) ? last : null;
}

function rungOf(
  name: RungName,
  record: RungRecord | undefined,
  runs: readonly RunRecord[],
  present: Standing | null,
  obstacle: string | null,
): Rung {
  const run = runs.findLast((each) => each.rung === name);
  const named = run ? { runId: run.id } : {};
  const open = { name, ...named, mrr: null, gain: null, obstacle };
  if (!record || !present) {
    const going = run && run.state !== "failed" && run.state !== "finished" && run.state !== "stopped";
    return { ...open, state: going ? (run.state === "running" ? "running" : "paused") : "untried" };
  }
  const { better, value, standardError } = rungGain(record, present.record);
  const state = better ? "better" : "no-gain";
  const gain = { value, standardError };
  return { ...open, state, mrr: mean(record.reciprocalRanks), over: present.name, gain };
}

function adviceFor(rungs: readonly Rung[], present: LadderView["present"], next: RungName | null): string {
  const going = rungs.find(({ state }) => state === "running" || state === "paused");
  if (going) return `The ${going.name} is being tried; the ladder goes on when it is judged.`;
  const best =
    present === "base" ? "Nothing has beaten the plain hybrid search yet" : `Best so far: ${present}`;
  if (next === null) return `${best}. Every rung was tried.`;
  return `${best}. Next: ${next}, kept only if it gains more than one standard error.`;
}

function endAdvice({ name, gain, over = "base" }: Rung, present: LadderView["present"]): string {
  const { value, standardError } = gain!;
  const change = `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)} ± ${standardError.toFixed(3)}`;
  const keep = present === "base" ? "the plain hybrid search" : `${present}`;
  return (
    `Stop here is the honest advice: ${name} moved MRR@10 by ${change} over ${over}, no more than one standard error. ` +
    `Keep ${keep}; what costs more seldom pays where this did not, and more questions help sooner.`
  );
}
