// What of the test was seen in training, between questions and between passages that answer one (trainers.md §10.3):
//
//   same-question, same-passage   equal after Unicode normalisation, lower case and single spaces
//   overlap                       share of the test passage's 5-grams in one training passage ≥ .3      duplicates.ts
//   near-question, near-passage   cosine of their vectors ≥ .95, where both have vectors       duplicates-vectors.ts
//
// A pair counts under the first kind it meets. Pairs are edges between groups (documents, or passages where there is one
// document); what hangs together by union–find must stand on one side for the test to be honest.
import { matrixOf } from "../matrix.ts";
import type { RunControl } from "../ports.ts";
import type { Dataset, Passage } from "./dataset.ts";
import { groupOfPassage, rightPassages } from "./dataset.ts";
import { overlaps } from "./duplicates.ts";
import type { Overlap } from "./duplicates.ts";
import { nearPairs } from "./duplicates-vectors.ts";
import { LinkedGroups } from "./groups.ts";
import { comparable } from "./leaks.ts";
import { tiesOf } from "./ties.ts";
import type { Tie } from "./ties.ts";

export const LEAK_KINDS = [
  "same-question",
  "near-question",
  "same-passage",
  "overlap",
  "near-passage",
] as const;
export type LeakKind = (typeof LEAK_KINDS)[number];

const OVERLAP_SHARE = 0.3;

/** One test question or passage and the training one that is most like it, of one kind. */
export interface Leak {
  readonly kind: LeakKind;
  readonly test: string; // id of a query or passage
  readonly train: string;
  readonly share: number; // 1, share of 5-grams, cosine
}

export interface LeakReport {
  readonly leaks: readonly Leak[]; // strongest first within a kind; one a test row and kind
  readonly counts: readonly { readonly kind: LeakKind; readonly found: number; readonly of: number }[];
  readonly questions: readonly string[]; // ids of test queries concerned, in order
  readonly groups: readonly LinkedSides[];
  readonly compared: "words" | "words-and-vectors";
  readonly ties: { readonly train: readonly Tie[]; readonly test: readonly Tie[] };
}

/** Groups (see groupsOf) that hang together across the sides. */
export interface LinkedSides {
  readonly train: readonly string[];
  readonly test: readonly string[];
  readonly questions: number; // of the test side
}

/** Rows of one side in the order of its dataset; undefined where a text is not embedded. */
export interface SideVectors {
  readonly questions: readonly (Float32Array | undefined)[];
  readonly passages: readonly (Float32Array | undefined)[];
}

export interface LeakOptions extends RunControl {
  readonly vectors?: { readonly train: SideVectors; readonly test: SideVectors };
}

interface Row {
  readonly id: string;
  readonly text: string;
  readonly side: "train" | "test";
  readonly answers: boolean; // a passage that answers a question; true of questions
  readonly vector: Float32Array | undefined;
}

/** Compares the two sides of a split, and looks for near-copies within each. Rejects with "cancelled". */
export async function leakReport(
  train: Dataset,
  test: Dataset,
  options: LeakOptions = {},
): Promise<LeakReport> {
  const { vectors, ...control } = options;
  const questions = [...questionRows(train, "train", vectors), ...questionRows(test, "test", vectors)];
  const passages = [...passageRows(train, "train", vectors), ...passageRows(test, "test", vectors)];
  const copies = await overlaps(
    passages.map(({ text }) => text),
    { ...control, atLeast: OVERLAP_SHARE, between: (from, to) => matters(passages[from]!, passages[to]!) },
  );
  const edges = [
    ...(await pairsAcross(questions, ["same-question", "near-question"], [], control)),
    ...(await pairsAcross(passages, ["same-passage", "near-passage"], copies, control)),
  ];
  const leaks = strongestOf(edges);
  const asked = new Set(leaks.filter(({ kind }) => kind.endsWith("question")).map((leak) => leak.test));
  const seen = new Set(leaks.filter(({ kind }) => !kind.endsWith("question")).map((leak) => leak.test));
  const concerned = test.queries.filter(
    (query) => asked.has(query.id) || [...rightPassages(query)].some((passage) => seen.has(passage)),
  );
  return {
    leaks,
    counts: countsOf(leaks, test, passages),
    questions: concerned.map(({ id }) => id),
    groups: linkedSides(edges, train, test),
    compared: [...questions, ...passages].some(({ vector }) => vector) ? "words-and-vectors" : "words",
    ties: tiesOf(train, test, passages, copies),
  };
}

function questionRows({ queries }: Dataset, side: Row["side"], vectors: LeakOptions["vectors"]): Row[] {
  const own = vectors?.[side].questions;
  return queries.map(({ id, text }, row) => ({ id, text, side, answers: true, vector: own?.[row] }));
}

function passageRows(
  { queries, passages }: Dataset,
  side: Row["side"],
  vectors: LeakOptions["vectors"],
): Row[] {
  const answering = new Set(queries.flatMap((query) => [...rightPassages(query)]));
  const own = vectors?.[side].passages;
  return passages.map(({ id, text }: Passage, row) => ({
    ...{ id, text, side },
    answers: answering.has(id),
    vector: own?.[row],
  }));
}

/** A leak is from a test answer into a training answer; a tie from an answer into any passage of its side. */
function matters(from: Row, to: Row): boolean {
  if (!from.answers) return false;
  return from.side === to.side || (from.side === "test" && to.answers);
}

/** Edges between the sides: equal texts, then given overlaps, then near vectors. */
async function pairsAcross(
  rows: readonly Row[],
  [same, near]: readonly [LeakKind, LeakKind],
  copies: readonly Overlap[],
  control: RunControl,
): Promise<readonly Leak[]> {
  const edges = new Map<string, Leak>();
  const add = (kind: LeakKind, test: Row, train: Row, share: number): void => {
    const key = `${test.id}\n${train.id}`;
    if (!edges.has(key)) edges.set(key, { kind, test: test.id, train: train.id, share });
  };
  const trained = new Map<string, Row[]>();
  for (const row of rows) {
    if (row.side !== "train" || !row.answers) continue;
    const key = comparable(row.text);
    trained.set(key, [...(trained.get(key) ?? []), row]);
  }
  for (const row of rows) {
    if (row.side !== "test" || !row.answers) continue;
    for (const known of trained.get(comparable(row.text)) ?? []) add(same, row, known, 1);
  }
  for (const { from, to, share } of copies) {
    if (rows[from]!.side !== rows[to]!.side) add("overlap", rows[from]!, rows[to]!, share);
  }
  const embedded = rows.filter((row) => row.vector && row.answers);
  for (const [first, second, cosine] of await nearRows(embedded, control)) {
    const [test, train] = first.side === "test" ? [first, second] : [second, first];
    add(near, test, train, cosine);
  }
  return [...edges.values()];
}

async function nearRows(
  rows: readonly Row[],
  control: RunControl,
): Promise<readonly (readonly [Row, Row, number])[]> {
  const between = (first: number, second: number): boolean => rows[first]!.side !== rows[second]!.side;
  const embedded = matrixOf(rows.map(({ vector }) => vector!));
  const found = await nearPairs(embedded, { ...control, between });
  return found.map(({ first, second, cosine }) => [rows[first]!, rows[second]!, cosine] as const);
}

function strongestOf(edges: readonly Leak[]): readonly Leak[] {
  const best = new Map<string, Leak>();
  for (const edge of edges) {
    const key = `${edge.kind}\n${edge.test}`;
    const known = best.get(key);
    if (!known || edge.share > known.share) best.set(key, edge);
  }
  const place = (kind: LeakKind): number => LEAK_KINDS.indexOf(kind);
  return [...best.values()].sort((a, b) => place(a.kind) - place(b.kind) || b.share - a.share);
}

function countsOf(leaks: readonly Leak[], test: Dataset, passages: readonly Row[]): LeakReport["counts"] {
  const answering = passages.filter(({ side, answers }) => side === "test" && answers).length;
  return LEAK_KINDS.map((kind) => ({
    kind,
    found: leaks.filter((leak) => leak.kind === kind).length,
    of: kind.endsWith("question") ? test.queries.length : answering,
  }));
}

function linkedSides(edges: readonly Leak[], train: Dataset, test: Dataset): readonly LinkedSides[] {
  const groupOf = groupOfPassage([...train.passages, ...test.passages]);
  const first = new Map(
    [...train.queries, ...test.queries].map((query) => [query, query.relevant[0]!.passage]),
  );
  const asked = (dataset: Dataset): Map<string, string> =>
    new Map(dataset.queries.map((query) => [query.id, groupOf(first.get(query)!)]));
  const [ofTrain, ofTest] = [asked(train), asked(test)];
  const links = new LinkedGroups();
  for (const { kind, test: tested, train: trained } of edges) {
    const question = kind.endsWith("question");
    const left = question ? ofTest.get(tested)! : groupOf(tested);
    const right = question ? ofTrain.get(trained)! : groupOf(trained);
    links.link(`test ${left}`, `train ${right}`);
  }
  return links.components().map((names) => {
    const side = (prefix: string): string[] =>
      names.flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []));
    const tests = new Set(side("test "));
    const questions = [...ofTest.values()].filter((name) => tests.has(name)).length;
    return { train: side("train "), test: [...tests], questions };
  });
}
