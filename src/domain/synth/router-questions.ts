import {
  choiceText,
  type RouterChoice,
  type RouterDataset,
  type RouterExample,
} from "../data/router-dataset.ts";
import { comparable } from "../data/leaks.ts";
import type { Generator } from "../ports.ts";
import { rowKey, type GenerationPassage, type GenerationRow } from "./generate.ts";

/** The prompt for a teacher: what a person would ask that only this source or tool should answer. */
export const ROUTER_TEMPLATE = `Below is the description of a data source or tool that an assistant can use.

---------------------
{context_str}
---------------------

Write {num_questions_per_chunk} different questions that people would ask the assistant and that this source or tool \
should answer. Write as people type: short, in everyday words, with concrete names and things, not in the words of the \
description, and do not mention the source or tool. One question a line, without numbers, answers or any other text.`;

/** Choices as passages for `generateQuestions`: the description, under the name as its heading. */
export function choicePassages(choices: readonly RouterChoice[]): GenerationPassage[] {
  return choices.map((choice) => ({ id: choice.id, text: choiceText(choice), heading: choice.name }));
}

/**
 * Generated rows as examples of their choices, after what `dataset` already holds. Ids are "<choice>-g<n>", made unique; a
 * question of two choices has both as right answers, and one that the dataset has is left out.
 */
export async function assembleExamples(
  dataset: RouterDataset,
  generator: Generator & { readonly identity?: string },
  rows: readonly GenerationRow[],
  count: number,
): Promise<RouterDataset> {
  const byKey = new Map(rows.map((row) => [row.key, row]));
  const taken = new Set(dataset.examples.map(({ id }) => id));
  const known = new Set(dataset.examples.map(({ text }) => comparable(text)));
  const made = new Map<string, RouterExample>();
  for (const passage of choicePassages(dataset.choices)) {
    const row = byKey.get(await rowKey(generator, passage, count));
    for (const { text, rule } of row?.questions ?? []) {
      const own = comparable(text);
      if (known.has(own)) continue;
      const same = made.get(own);
      if (same) {
        const choices = [...new Set([...same.choices, passage.id])];
        made.set(own, { ...same, choices });
        continue;
      }
      const origin = { kind: generator.kind, detail: rule ?? generator.name };
      made.set(own, { id: freeId(passage.id, taken), text, choices: [passage.id], origin });
    }
  }
  return { choices: dataset.choices, examples: [...dataset.examples, ...made.values()] };
}

function freeId(choice: string, taken: Set<string>): string {
  let number = 1;
  while (taken.has(`${choice}-g${number}`)) number++;
  const id = `${choice}-g${number}`;
  taken.add(id);
  return id;
}
