// Question by question, before against after: Δ of the reciprocal rank (0 beyond the tenth). What got worse is grouped by
// the document its right passage is from, and by the words of the questions (term-clusters.ts).
import { groupsOf, rightPassages, type Dataset } from "../data/dataset.ts";
import type { DifferenceReport, LoserCluster, QueryDifference, Remedy } from "./advice-types.ts";
import { groupByTerms } from "./term-clusters.ts";
import { copyRate } from "./tokens.ts";

const MOST_CLUSTERS = 20;
const UNRELATED = 0.15; // words of a question that its right passage holds: below it the label is doubtful

/** Ranks from 1 (null: not in the list) and the passage that comes first afterwards. */
export interface RankedQuestion {
  readonly query: string; // id
  readonly before: number | null;
  readonly after: number | null;
  readonly first: string | null; // passage id
}

/** The report of questions of one side; `dataset` holds them and their passages. */
export function differenceReport(
  dataset: Dataset,
  ranked: readonly RankedQuestion[],
  side: DifferenceReport["side"],
): DifferenceReport {
  const rows = differencesOf(dataset, ranked);
  const losers = rows.filter(({ gain }) => gain < 0);
  const remedies: readonly Remedy[] =
    side === "train" ? ["hard-negative", "fix-label", "drop-query"] : ["fix-label", "drop-query"];
  const advise = suggestions(dataset, remedies);
  const background = dataset.queries.map(({ text }) => text);
  const clusters = [...byDocument(losers, advise), ...byTerms(losers, background, advise)];
  return {
    side,
    wins: rows.filter(({ gain }) => gain > 0).length,
    losses: losers.length,
    ties: rows.filter(({ gain }) => gain === 0).length,
    rows,
    clusters: clusters
      .sort((a, b) => b.queries.length - a.queries.length || a.meanGain - b.meanGain)
      .slice(0, MOST_CLUSTERS),
    remedies,
  };
}

const reciprocal = (rank: number | null): number => (rank !== null && rank <= 10 ? 1 / rank : 0);

function differencesOf(dataset: Dataset, ranked: readonly RankedQuestion[]): readonly QueryDifference[] {
  const queries = new Map(dataset.queries.map((query) => [query.id, query]));
  const texts = new Map(dataset.passages.map(({ id, text }) => [id, text]));
  const groups = new Map(groupsOf(dataset).map((group, index) => [dataset.queries[index]!.id, group]));
  const rows = ranked.flatMap(({ query: id, before, after, first }): QueryDifference[] => {
    const query = queries.get(id);
    if (!query) return [];
    const rights = rightPassages(query);
    const intruder = first === null || rights.has(first) ? null : first;
    return [
      {
        query: id,
        text: query.text,
        document: groups.get(id)!.replace(/^(document|passage):/, ""),
        right: [...rights][0] ?? query.relevant[0]!.passage,
        ...{ before, after, intruder },
        gain: reciprocal(after) - reciprocal(before),
        intruderText: intruder === null ? null : (texts.get(intruder) ?? null),
      },
    ];
  });
  return rows.sort((a, b) => a.gain - b.gain);
}

type Advise = (losers: readonly QueryDifference[]) => Remedy | null;

/**
 * The remedy that most losers of a cluster call for: a label to fix where the intruder holds as many of the question's
 * words as the right passage, a question to drop where its right passage holds hardly any, else a hard negative.
 */
function suggestions(dataset: Dataset, allowed: readonly Remedy[]): Advise {
  const texts = new Map(dataset.passages.map(({ id, text }) => [id, text]));
  const remedyOf = ({ text, right, intruderText }: QueryDifference): Remedy => {
    const covered = copyRate(text, texts.get(right) ?? "");
    if (covered < UNRELATED) return "drop-query";
    if (intruderText !== null && copyRate(text, intruderText) >= covered) return "fix-label";
    return "hard-negative";
  };
  return (losers) => {
    const votes = losers.map(remedyOf);
    const most = (["hard-negative", "fix-label", "drop-query"] as const)
      .map((remedy) => ({ remedy, count: votes.filter((vote) => vote === remedy).length }))
      .sort((a, b) => b.count - a.count)[0]!.remedy;
    return allowed.includes(most) ? most : null;
  };
}

function byDocument(losers: readonly QueryDifference[], advise: Advise): readonly LoserCluster[] {
  const documents = new Map<string, QueryDifference[]>();
  for (const loser of losers)
    documents.set(loser.document, [...(documents.get(loser.document) ?? []), loser]);
  return [...documents]
    .filter(([, own]) => own.length > 1)
    .map(([name, own]) => clusterOf({ kind: "document", name, terms: [] }, own, losers.length, advise));
}

function byTerms(
  losers: readonly QueryDifference[],
  background: readonly string[],
  advise: Advise,
): readonly LoserCluster[] {
  return groupByTerms(
    losers.map(({ text }) => text),
    background,
  ).map(({ members, terms }) => {
    const own = members.map((member) => losers[member]!);
    const head = { kind: "terms", name: terms.slice(0, 3).join(", "), terms } as const;
    return clusterOf(head, own, losers.length, advise);
  });
}

function clusterOf(
  head: Pick<LoserCluster, "kind" | "name" | "terms">,
  own: readonly QueryDifference[],
  losers: number,
  advise: Advise,
): LoserCluster {
  return {
    ...head,
    id: `${head.kind} ${head.name}`,
    queries: own.map(({ query }) => query),
    meanGain: own.reduce((sum, { gain }) => sum + gain, 0) / own.length,
    share: own.length / losers,
    suggested: advise(own),
  };
}
