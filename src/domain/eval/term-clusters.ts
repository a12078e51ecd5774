// Short texts grouped by their words:
//
// Function words ("after", "have") name no subject and are left out.
//
//   tf-idf   v[t] = (1 + ln f(t))·ln((1 + N)/(1 + n(t))), unit length; idf from all texts, not only the grouped ones
//
// Leader clustering in the order given: a text joins the group whose centroid it is most like, from cosine .2 on, else
// leads one of its own; then every text moves once more to its nearest centroid.
import { FUNCTION_WORDS } from "../synth/rules/lexicon.ts";
import { tokens } from "./tokens.ts";

const NEAR = 0.2;

type Sparse = ReadonlyMap<string, number>;

export interface TermGroup {
  readonly members: readonly number[]; // positions in `texts`
  readonly terms: readonly string[]; // the weightiest of the centroid, at most five
}

/** Groups of at least two, the largest first. `background` are all texts that words are counted in. */
export function groupByTerms(texts: readonly string[], background: readonly string[]): readonly TermGroup[] {
  const idf = inverseFrequencies(background);
  const vectors = texts.map((text) => unitVector(text, idf, background.length));
  const centroids: Map<string, number>[] = [];
  for (const vector of vectors) {
    const { place, likeness } = nearest(vector, centroids);
    if (likeness >= NEAR) addTo(centroids[place]!, vector);
    else if (vector.size > 0) centroids.push(new Map(vector));
  }
  const members = centroids.map((): number[] => []);
  for (const [index, vector] of vectors.entries()) {
    const { place, likeness } = nearest(vector, centroids);
    if (likeness > 0) members[place]!.push(index);
  }
  return members
    .map((own, place) => ({ members: own, terms: heaviest(centroids[place]!) }))
    .filter((group) => group.members.length > 1)
    .sort((a, b) => b.members.length - a.members.length);
}

function subjectWords(text: string): readonly string[] {
  return tokens(text).filter((word) => !FUNCTION_WORDS.has(word));
}

function inverseFrequencies(texts: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const word of new Set(subjectWords(text))) counts.set(word, (counts.get(word) ?? 0) + 1);
  return new Map(Array.from(counts, ([word, count]) => [word, Math.log((1 + texts.length) / (1 + count))]));
}

function unitVector(text: string, idf: ReadonlyMap<string, number>, texts: number): Sparse {
  const counts = new Map<string, number>();
  for (const word of subjectWords(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const unknown = Math.log(1 + texts);
  const weights = Array.from(
    counts,
    ([word, count]) => [word, (1 + Math.log(count)) * (idf.get(word) ?? unknown)] as const,
  ).filter(([, weight]) => weight > 0);
  const length = Math.hypot(...weights.map(([, weight]) => weight));
  return new Map(weights.map(([word, weight]) => [word, weight / length]));
}

function nearest(vector: Sparse, centroids: readonly Sparse[]): { place: number; likeness: number } {
  let [place, likeness] = [-1, 0];
  for (const [index, centroid] of centroids.entries()) {
    const own = cosine(vector, centroid);
    if (own > likeness) [place, likeness] = [index, own];
  }
  return { place, likeness };
}

/** Of a unit vector with a sum of unit vectors. */
function cosine(vector: Sparse, centroid: Sparse): number {
  let [dot, squares] = [0, 0];
  for (const [word, weight] of vector) dot += weight * (centroid.get(word) ?? 0);
  if (dot === 0) return 0;
  for (const weight of centroid.values()) squares += weight * weight;
  return dot / Math.sqrt(squares);
}

function addTo(centroid: Map<string, number>, vector: Sparse): void {
  for (const [word, weight] of vector) centroid.set(word, (centroid.get(word) ?? 0) + weight);
}

function heaviest(centroid: Sparse): readonly string[] {
  return [...centroid]
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, 5)
    .map(([word]) => word);
}
