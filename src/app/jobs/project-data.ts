import type { Dataset, Passage, Query } from "../../domain/data/dataset.ts";
import { groupOfPassage, groupsOf } from "../../domain/data/dataset.ts";
import { hasOwnNegatives } from "../../domain/data/negatives.ts";
import { splitByGroup } from "../../domain/data/split.ts";
import type { SourceContent } from "../storage/project-store.ts";
import type { ProjectRecord, StoredQuestion } from "../storage/records.ts";
import type { SplitView } from "../studio-data.ts";

export interface ProjectData {
  readonly train: Dataset;
  readonly test: Dataset;
}

/**
 * What a project trains on and is judged on: files given for one side as they are, all others divided by document.
 * Rejected questions are left out. With fewer than two documents that have questions nothing can be held back, and
 * everything is for training.
 */
export function projectData(contents: readonly SourceContent[], split: ProjectRecord["split"]): ProjectData {
  const ofRole = (role: string): Dataset =>
    merged(contents.filter(({ source }) => source.role === role).map(acceptedRows));
  const [own, held] = divided(ofRole("split"), split);
  return {
    train: withPresentNegatives(merged([ofRole("train"), own])),
    test: withPresentNegatives(merged([ofRole("test"), held])),
  };
}

function divided(
  dataset: Dataset,
  { testShare, seed, together = [] }: ProjectRecord["split"],
): readonly [Dataset, Dataset] {
  const nothing: Dataset = { queries: [], passages: [] };
  if (testShare <= 0 || new Set(groupsOf(dataset)).size < 2) return [dataset, nothing];
  const { parts } = splitByGroup(dataset, [1 - testShare, testShare], seed, together);
  const grouped = groupedTogether(dataset, together);
  return [grouped(parts[0]!), grouped(parts[1]!)];
}

/** What is kept together in the split is one cluster of the judgement too. */
function groupedTogether(
  whole: Dataset,
  together: NonNullable<ProjectRecord["split"]["together"]>,
): (part: Dataset) => Dataset {
  if (together.length === 0) return (part) => part;
  const sets = new Map(together.flatMap((names) => names.map((name) => [name, names[0]!] as const)));
  const groupOf = groupOfPassage(whole.passages);
  return (part) => ({
    ...part,
    queries: part.queries.map((query) => {
      const group = sets.get(groupOf(query.relevant[0]!.passage));
      return group === undefined ? query : { ...query, group };
    }),
  });
}

function acceptedRows({ passages, questions }: SourceContent): Dataset {
  return { passages, queries: questions.filter((question) => question.state === "accepted").map(asQuery) };
}

function asQuery({ id, text, relevant, origin, negatives }: StoredQuestion): Query {
  return { id, text, relevant, ...(negatives ? { negatives } : {}), ...(origin ? { origin } : {}) };
}

/** Negatives of the other side are left out: what is held back is no text to learn from, wrong or right. */
function withPresentNegatives(dataset: Dataset): Dataset {
  if (!hasOwnNegatives(dataset)) return dataset;
  const present = new Set(dataset.passages.map(({ id }) => id));
  const queries = dataset.queries.map((query) =>
    query.negatives ? { ...query, negatives: query.negatives.filter((id) => present.has(id)) } : query,
  );
  return { ...dataset, queries };
}

/**
 * Several datasets as one, in order. A passage that stands in two files under one id and text is kept once; where
 * the same id means another text, the later one gets a new id and its questions follow.
 */
export function merged(datasets: readonly Dataset[]): Dataset {
  const used = datasets.filter((dataset) => dataset.passages.length > 0);
  if (used.length === 1) return used[0]!;
  const passages = new Map<string, Passage>();
  const queries = new Map<string, Query>();
  for (const [index, dataset] of used.entries()) {
    const renamed = new Map<string, string>();
    for (const passage of dataset.passages) {
      const known = passages.get(passage.id);
      const id = known && known.text !== passage.text ? `${passage.id}-${index + 1}` : passage.id;
      if (id !== passage.id) renamed.set(passage.id, id);
      if (!passages.has(id)) passages.set(id, { ...passage, id });
    }
    for (const query of dataset.queries) {
      const id = queries.has(query.id) ? `${query.id}-${index + 1}` : query.id;
      const relevant = query.relevant.map((judgement) => ({
        ...judgement,
        passage: renamed.get(judgement.passage) ?? judgement.passage,
      }));
      const negatives = query.negatives?.map((passage) => renamed.get(passage) ?? passage);
      queries.set(id, { ...query, id, relevant, ...(negatives ? { negatives } : {}) });
    }
  }
  return { queries: [...queries.values()], passages: [...passages.values()] };
}

export function splitView(dataset: Dataset): SplitView {
  const documents = new Set(dataset.passages.map((passage) => passage.document ?? ""));
  return {
    documents: dataset.passages.length === 0 ? 0 : documents.size,
    passages: dataset.passages.length,
    questions: dataset.queries.length,
  };
}
