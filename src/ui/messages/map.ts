import type { MapKind } from "../../app/studio-map.ts";
import type { MapMethod } from "../../domain/eval/map/embedding-map.ts";
import { count, percent, plural } from "../format.ts";
import type { MapColouring } from "../map/map-scene.ts";

const KINDS: Readonly<Record<MapKind, string>> = {
  passage: "Passages (squares)",
  train: "Training questions (dots)",
  test: "Test questions (diamonds)",
};

const METHODS: Readonly<Record<MapMethod, string>> = { pca: "Plain (PCA)", umap: "Neighbourhoods (UMAP)" };

const COLOURINGS: Readonly<Record<MapColouring, string>> = {
  kind: "What it is",
  result: "Won or lost",
  document: "Document",
};

/** Words of the embedding map. */
export const map = {
  intro:
    "Every mark is a text. Texts that the model holds to be alike lie close together. After tuning, questions should lie nearer to the passages that answer them.",
  method: "Layout",
  methods: METHODS,
  colouring: "Colour by",
  colourings: COLOURINGS,
  kinds: KINDS,
  shown: "Show",
  drawing: "Drawing the map …",
  cancel: "Cancel",
  again: "Draw it again",
  failed: "There is no map yet: drawing it failed or was cancelled.",
  umapTakes: "UMAP takes up to a minute or two.",
  explained: ([x, y]: readonly [number, number]): string =>
    `The two axes show ${percent(x + y)} of all differences between the texts (${percent(x)} and ${percent(y)}); what differs along the rest cannot be seen here.`,
  umapNote: "UMAP keeps neighbours together; distances between groups mean little.",
  leftOut: (texts: number): string =>
    `${plural(texts, "text is", "texts are")} not drawn: too many, or without vectors.`,
  canvas: (points: number, before: boolean): string =>
    `Map of ${count(points)} texts ${before ? "before" : "after"} tuning. Arrow keys move it, plus and minus zoom, 0 shows all of it. The list beside it holds the same texts.`,
  before: "Before",
  after: "After",
  morph: "Before or after tuning",
  play: "Play the change",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  whole: "Show all",
  find: "Find texts",
  found: (texts: number): string => plural(texts, "text", "texts"),
  more: (texts: number): string => `and ${count(texts)} more: type more words to find them`,
  pick: "Choose a mark, or find a text, to read it here.",
  chosen: "Chosen text",
  of: (name: string): string => `from ${name}`,
  right: "The passage that answers it",
  row: "Open its row in the table",
  close: "Close",
  near: "Nearest on the map",
  legend: { won: "won", lost: "lost", same: "same, or not judged", others: "other documents" },
  show: "Show on the map",
};
