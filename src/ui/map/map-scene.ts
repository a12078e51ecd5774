import { MAP_KINDS, type MapKind, type MapView } from "../../app/studio-map.ts";
import type { Outcome } from "../query-rows.ts";
import type { PointScene } from "./scene.ts";

export type MapColouring = "kind" | "result" | "document";

/** Colours of a theme as 0xAABBGGRR. */
export interface MapInks {
  readonly passage: number;
  readonly train: number;
  readonly test: number;
  readonly won: number;
  readonly lost: number;
  readonly same: number;
  readonly documents: readonly number[]; // for the largest documents; the others share `passage`
}

export interface MapLook {
  readonly shown: ReadonlySet<MapKind>;
  readonly colouring: MapColouring;
  readonly outcomes: ReadonlyMap<string, Outcome>; // of test questions, by id
  readonly words: string; // points without them are hidden
  readonly inks: MapInks;
}

const MANY = 5000; // points from which they are drawn smaller

/** The points of a map as they are drawn now: hidden ones have no alpha. */
export function mapScene(view: MapView, look: MapLook): PointScene {
  const count = view.ids.length;
  const colours = new Uint32Array(count);
  const radii = new Float32Array(count);
  const wanted = matching(view, look.words);
  const documents = look.colouring === "document" ? documentInks(view, look.inks) : new Map<string, number>();
  for (let index = 0; index < count; index++) {
    const kind = MAP_KINDS[view.kinds[index]!]!;
    radii[index] = (kind === "passage" ? 3.2 : kind === "train" ? 3.2 : 4.5) * (count > MANY ? 0.65 : 1);
    if (!look.shown.has(kind) || (wanted && !wanted.has(index))) continue;
    colours[index] = inkOf(kind, view.ids[index]!, documents.get(view.documents[index] ?? ""), look);
  }
  const { before, kinds } = view;
  return { before, after: view.after ?? before, colours, shapes: kinds, radii };
}

function inkOf(kind: MapKind, id: string, document: number | undefined, look: MapLook): number {
  const { inks, colouring, outcomes } = look;
  if (colouring === "document") return document ?? inks.passage;
  if (colouring === "kind") return inks[kind];
  const outcome = kind === "test" ? outcomes.get(id) : undefined;
  if (outcome === undefined) return kind === "test" ? inks.same : inks.passage;
  return outcome === "won" ? inks.won : outcome === "lost" ? inks.lost : inks.same;
}

/** The documents with the most points, in order of their size. */
export function largestDocuments(view: MapView, count: number): readonly string[] {
  const sizes = new Map<string, number>();
  for (const name of view.documents) if (name !== null) sizes.set(name, (sizes.get(name) ?? 0) + 1);
  const order = [...sizes].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return order.slice(0, count).map(([name]) => name);
}

function documentInks(view: MapView, inks: MapInks): Map<string, number> {
  const names = largestDocuments(view, inks.documents.length);
  return new Map(names.map((name, index) => [name, inks.documents[index]!]));
}

interface Sought {
  readonly texts: readonly string[]; // in lower case, by point
  needle: string; // last asked for, by the scene and by the list beside it
  found: ReadonlySet<number>;
}

const sought = new WeakMap<MapView, Sought>();

/** Points whose text or document contains the words; null where nothing is sought. */
export function matching(view: MapView, words: string): ReadonlySet<number> | null {
  const needle = words.trim().toLowerCase();
  if (needle === "") return null;
  const own = sought.get(view) ?? { texts: lowered(view), needle: "", found: new Set() };
  sought.set(view, own);
  if (own.needle === needle) return own.found;
  const found = new Set<number>();
  for (const [index, text] of own.texts.entries()) if (text.includes(needle)) found.add(index);
  own.needle = needle;
  own.found = found;
  return found;
}

function lowered({ labels, documents }: MapView): readonly string[] {
  return labels.map((label, index) => `${label} ${documents[index] ?? ""}`.toLowerCase());
}

/** "rgb(12, 34, 56)" or "rgba(…)" as 0xAABBGGRR, opaque unless it says otherwise. */
export function packColour(css: string): number {
  const [red = 0, green = 0, blue = 0, alpha = 1] = (css.match(/[\d.]+/g) ?? []).map(Number);
  return ((Math.round(alpha * 255) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
