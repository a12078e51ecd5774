// Texts as TF-IDF over runs of characters, as scikit-learn's TfidfVectorizer(analyzer="char", lowercase=False) makes it:
//   idf(g) = ln((1 + n)/(1 + df(g))) + 1        x(g) = tf(g)·idf(g) / ‖tf·idf‖₂
// Characters are code points; runs of white space count as one space. Case is kept: it is part of a style.

export interface GramSettings {
  readonly shortest: number; // characters
  readonly longest: number;
  readonly texts: number; // a run must stand in as many (min_df)
}

/** A row of a sparse matrix. */
export interface SparseRow {
  readonly places: Uint32Array; // of the grams, ascending
  readonly values: Float64Array;
}

export interface GramModel {
  readonly settings: GramSettings;
  readonly places: ReadonlyMap<string, number>;
  readonly weights: Float64Array; // idf by place
}

/** Which runs count, and how much, from the texts of training. Places are in the order of first appearance. */
export function fitGrams(texts: readonly string[], settings: GramSettings): GramModel {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const gram of gramsOf(text, settings).keys()) counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  const kept = [...counts].filter(([, count]) => count >= settings.texts);
  const weights = Float64Array.from(kept, ([, count]) => Math.log((1 + texts.length) / (1 + count)) + 1);
  return { settings, places: new Map(kept.map(([gram], place) => [gram, place])), weights };
}

/** A text as a row of unit length; runs that training never saw count for nothing. */
export function gramRow({ settings, places, weights }: GramModel, text: string): SparseRow {
  const found = [...gramsOf(text, settings)].flatMap(([gram, count]): [number, number][] => {
    const place = places.get(gram);
    return place === undefined ? [] : [[place, count * weights[place]!]];
  });
  found.sort(([a], [b]) => a - b);
  const length = Math.sqrt(found.reduce((sum, [, value]) => sum + value * value, 0)) || 1;
  return {
    places: Uint32Array.from(found, ([place]) => place),
    values: Float64Array.from(found, ([, value]) => value / length),
  };
}

function gramsOf(text: string, { shortest, longest }: GramSettings): Map<string, number> {
  const plain = text.replace(/\s\s+/gu, " ");
  const starts = [...characterStarts(plain), plain.length];
  const counts = new Map<string, number>();
  for (let size = shortest; size <= longest; size++) {
    for (let from = 0; from + size < starts.length; from++) {
      const gram = plain.slice(starts[from], starts[from + size]);
      counts.set(gram, (counts.get(gram) ?? 0) + 1);
    }
  }
  return counts;
}

/** Where the code points of a text begin. */
function* characterStarts(text: string): Generator<number, void, void> {
  for (let at = 0; at < text.length; at += text.codePointAt(at)! > 0xffff ? 2 : 1) yield at;
}
