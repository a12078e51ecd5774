import type { Dataset, Passage, Query } from "../../domain/data/dataset.ts";
import { unitRows } from "../../domain/eval/dense.ts";
import { mapPlaces } from "../../domain/eval/map/embedding-map.ts";
import { evenly } from "../../domain/eval/map/umap-layout.ts";
import { selectRows, type Matrix } from "../../domain/matrix.ts";
import { applyAdapter } from "../../domain/models/apply-adapter.ts";
import type { RunControl } from "../../domain/ports.ts";
import { spaceOf } from "../encoders/known-encoders.ts";
import type { EncoderFacts } from "../encoders/known-encoders.ts";
import type { VectorCache } from "../storage/vector-cache.ts";
import { MAP_KINDS, MAP_POINTS, type MapKind, type MapRequest, type MapView } from "../studio-map.ts";
import type { ProjectData } from "./project-data.ts";
import { merged } from "./project-data.ts";
import type { KeptAdapter } from "./result-store.ts";

/** One text that may become a point. */
interface Candidate {
  readonly kind: MapKind;
  readonly id: string;
  readonly text: string;
  readonly document: string | null;
  readonly right: string | null; // id of a question's first right passage
}

/** What moves the points: an adapter over questions, or an encoder with vectors of its own; null: nothing does. */
export type MapTuning =
  | { readonly kind: "adapter"; readonly kept: KeptAdapter; readonly instruction: string }
  | { readonly kind: "encoder"; readonly encoder: EncoderFacts; readonly instruction: string }
  | null;

export interface MapSource {
  readonly data: ProjectData;
  readonly encoder: EncoderFacts;
  readonly vectors: VectorCache;
  readonly tuning: MapTuning;
}

const LABEL = 160; // characters

/** The points of a project's texts that have vectors, before and after tuning, from the cache alone. */
export async function mapView(
  source: MapSource,
  request: MapRequest,
  control: RunControl = {},
): Promise<MapView> {
  const all = candidates(source.data);
  const asked = thinned(all);
  const { kept, before, after } = await placed(source, asked);
  const places = await mapPlaces(request.method, before, after, control);
  const points = new Map(kept.map(({ kind, id }, index) => [`${kind} ${id}`, index]));
  return {
    method: request.method,
    runId: request.runId ?? null,
    kinds: Uint8Array.from(kept, ({ kind }) => MAP_KINDS.indexOf(kind)),
    ids: kept.map(({ id }) => id),
    labels: kept.map(({ text }) => text.slice(0, LABEL)),
    documents: kept.map(({ document }) => document),
    right: Int32Array.from(kept, ({ right }) => points.get(`passage ${right}`) ?? -1),
    ...places,
    leftOut: all.length - kept.length,
  };
}

function candidates({ train, test }: ProjectData): readonly Candidate[] {
  const passages = merged([
    { ...train, queries: [] },
    { ...test, queries: [] },
  ]).passages;
  return [
    ...passages.map((passage) => passagePoint(passage)),
    ...questionPoints(train, "train"),
    ...questionPoints(test, "test"),
  ];
}

function passagePoint({ id, text, document }: Passage): Candidate {
  return { kind: "passage", id, text, document: document ?? null, right: null };
}

function questionPoints({ queries, passages }: Dataset, kind: MapKind): readonly Candidate[] {
  const documents = new Map(passages.map(({ id, document }) => [id, document ?? null]));
  return queries.map(({ id, text, relevant }: Query): Candidate => {
    const right = relevant[0]?.passage ?? null;
    return { kind, id, text, document: right === null ? null : (documents.get(right) ?? null), right };
  });
}

/** All questions as far as they fit, and passages evenly spread over the files. */
function thinned(all: readonly Candidate[]): readonly Candidate[] {
  if (all.length <= MAP_POINTS) return all;
  const passages = all.filter(({ kind }) => kind === "passage");
  const questions = all.filter(({ kind }) => kind !== "passage");
  const asked = evenly(questions.length, MAP_POINTS / 2).map((index) => questions[index]!);
  return [...evenly(passages.length, MAP_POINTS - asked.length).map((index) => passages[index]!), ...asked];
}

interface Placed {
  readonly kept: readonly Candidate[];
  readonly before: Matrix;
  readonly after: Matrix | null;
}

/** The candidates with vectors on both sides, and these vectors as unit rows. */
async function placed({ encoder, vectors, tuning }: MapSource, asked: readonly Candidate[]): Promise<Placed> {
  const instruction = tuning?.kind === "adapter" ? tuning.instruction : "";
  const whole = await wholeRows(vectors, encoder, asked, instruction);
  if (whole && tuning?.kind !== "encoder") {
    const before = unitRows(whole);
    return { kept: asked, before, after: tuning ? adapted(tuning.kept, asked, before) : null };
  }
  const base = await rowsOf(vectors, encoder, asked, instruction);
  const own =
    tuning?.kind === "encoder" ? await rowsOf(vectors, tuning.encoder, asked, tuning.instruction) : null;
  const both = [...asked.keys()].filter((index) => base[index] && (!own || own[index]));
  const kept = both.map((index) => asked[index]!);
  const before = unitRows(matrixOf(both, base, encoder.dimension));
  if (own) return { kept, before, after: unitRows(matrixOf(both, own, encoder.dimension)) };
  return { kept, before, after: tuning?.kind === "adapter" ? adapted(tuning.kept, kept, before) : null };
}

/** Questions through the adapter; passages stay. */
function adapted({ config, weights }: KeptAdapter, kept: readonly Candidate[], before: Matrix): Matrix {
  const questions = [...kept.keys()].filter((index) => kept[index]!.kind !== "passage");
  const moved = unitRows(applyAdapter(config, weights, selectRows(before, questions)));
  const values = before.values.slice();
  for (const [row, index] of questions.entries()) {
    values.set(moved.values.subarray(row * moved.columns, (row + 1) * moved.columns), index * before.columns);
  }
  return { ...before, values };
}

/** The rows of all candidates in one matrix, block after block; undefined where one has no vector. */
async function wholeRows(
  cache: VectorCache,
  encoder: EncoderFacts,
  asked: readonly Candidate[],
  instruction: string,
): Promise<Matrix | undefined> {
  const columns = encoder.dimension;
  const values = new Float32Array(asked.length * columns);
  const passages = asked.filter(({ kind }) => kind === "passage").map(({ text }) => text);
  const questions = asked.slice(passages.length).map(({ text }) => text); // passages come first
  const missing =
    (await cache.fill(spaceOf(encoder, ""), passages, columns, values)) +
    (await cache.fill(
      spaceOf(encoder, instruction),
      questions,
      columns,
      values.subarray(passages.length * columns),
    ));
  return missing === 0 ? { rows: asked.length, columns, values } : undefined;
}

type Rows = readonly (Float32Array | undefined)[];

async function rowsOf(
  cache: VectorCache,
  encoder: EncoderFacts,
  asked: readonly Candidate[],
  instruction: string,
): Promise<Rows> {
  const find = (passages: boolean, prefix: string): Promise<Rows> =>
    cache.find(
      spaceOf(encoder, prefix),
      asked.filter(({ kind }) => (kind === "passage") === passages).map(({ text }) => text),
    );
  return [...(await find(true, "")), ...(await find(false, instruction))]; // passages come first
}

function matrixOf(places: readonly number[], rows: Rows, columns: number): Matrix {
  const values = new Float32Array(places.length * columns);
  for (const [row, place] of places.entries()) values.set(rows[place]!, row * columns);
  return { rows: places.length, columns, values };
}
