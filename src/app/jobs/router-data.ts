import type { RouterDataset, RouterExample } from "../../domain/data/router-dataset.ts";
import { CounterRandom } from "../../domain/random.ts";
import type { RouterRecord } from "../storage/records.ts";
import type { RoutedQuestionView, RouterView } from "../studio-routers.ts";

const SHUFFLE = 31; // the random stream of this split

export interface RouterSides {
  readonly train: RouterDataset;
  readonly test: RouterDataset;
}

/**
 * Both sides of a router's examples: groups of paraphrases stay together, every choice keeps questions to learn from
 * (each first choice is divided by itself).
 */
export function routerSides({ dataset, split }: RouterRecord): RouterSides {
  const { choices, examples } = dataset;
  const held = new Set<string>();
  const byChoice = new Map<string, Set<string>>();
  for (const example of examples) {
    const first = example.choices[0] ?? "";
    if (!byChoice.has(first)) byChoice.set(first, new Set());
    byChoice.get(first)!.add(groupOf(example));
  }
  const random = CounterRandom.stream(split.seed, SHUFFLE);
  for (const groups of byChoice.values()) {
    const names = [...groups].filter((name) => !held.has(name));
    const order = random.permutation(names.length);
    const wanted = Math.min(names.length - 1, Math.round(groups.size * split.testShare));
    for (let place = 0; place < wanted; place++) held.add(names[order[place]!]!);
  }
  const side = (test: boolean): RouterDataset => ({
    choices,
    examples: examples.filter((example) => held.has(groupOf(example)) === test),
  });
  return { train: side(false), test: side(true) };
}

function groupOf({ id, group }: RouterExample): string {
  return group ?? `example:${id}`;
}

export function routerView(record: RouterRecord | undefined): RouterView {
  if (!record) return { choices: [], questions: { train: 0, test: 0, none: 0 }, problems: [] };
  const { choices, examples } = record.dataset;
  const sides = routerSides(record);
  const views = choices.map(({ id, name, description }) => ({
    ...{ id, name, description },
    questions: examples.filter((example) => example.choices.includes(id)).length,
  }));
  return {
    choices: views,
    questions: {
      train: sides.train.examples.length,
      test: sides.test.examples.length,
      none: examples.filter((example) => example.choices.length === 0).length,
    },
    problems: views.flatMap(({ name, description, questions }) => [
      ...(questions === 0 ? [`“${name}” has no question yet.`] : []),
      ...(description === "" ? [`“${name}” has no description; its name stands for it.`] : []),
    ]),
  };
}

export function routedQuestionViews(record: RouterRecord | undefined): readonly RoutedQuestionView[] {
  if (!record) return [];
  const test = new Set(routerSides(record).test.examples.map(({ id }) => id));
  return record.dataset.examples.map(({ id, text, choices, origin }) => ({
    ...{ id, text, choices },
    split: test.has(id) ? "test" : "train",
    made: origin?.detail === undefined ? (origin?.kind ?? "imported") : `${origin.kind}: ${origin.detail}`,
  }));
}
