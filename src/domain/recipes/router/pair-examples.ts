import { mineNegatives, negativesOf, rerankDatasetFrom } from "../../data/negatives.ts";
import type { RerankDataset, RerankQuery } from "../../data/rerank-dataset.ts";
import { choiceText, clusterOf, routerAsDataset, type RouterDataset } from "../../data/router-dataset.ts";
import { LexicalIndex } from "../../eval/bm25.ts";
import { CounterRandom } from "../../random.ts";

/**
 * Examples as pairs with descriptions: the right choices (1) and `negatives` wrong ones (0), of which three in four are
 * drawn from those that share the most words with the question. A question that nothing answers has wrong ones only.
 */
export function pairExamples(dataset: RouterDataset, negatives: number, seed: number): RerankDataset {
  const asked = routerAsDataset(dataset);
  const descriptions = dataset.choices.map(choiceText);
  const scores = new LexicalIndex(descriptions).scores(asked.queries.map(({ text }) => text));
  const mined = Math.ceil(negatives * 0.75);
  const settings = {
    negatives: mined,
    random: negatives - mined,
    rangeMin: 0,
    rangeMax: 3 * mined,
    sampling: "random",
    seed,
  } as const;
  const found = negativesOf(asked, () => mineNegatives(asked, scores, settings));
  const paired = rerankDatasetFrom(asked, found);
  const clusters = new Map(dataset.examples.map((example) => [example.id, clusterOf(example)]));
  const answered = paired.queries.map((query) => ({ ...query, group: clusters.get(query.id)! }));
  const open = dataset.examples.filter(({ choices }) => choices.length === 0);
  const unanswered = open.map((example, index): RerankQuery => {
    const order = CounterRandom.stream(seed, 6000 + index).permutation(descriptions.length);
    const candidates = Array.from(order.subarray(0, negatives), (column) => ({
      text: descriptions[column]!,
      score: 0,
      kind: "random" as const,
      passage: dataset.choices[column]!.id,
    }));
    return { id: example.id, text: example.text, group: clusterOf(example), candidates };
  });
  return { scores: "labels", queries: [...answered, ...unanswered] };
}
