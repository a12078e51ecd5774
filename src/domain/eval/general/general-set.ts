import type { Dataset, Passage, Query } from "../../data/dataset.ts";
import { EVERYDAY } from "./everyday.ts";
import { NATURE } from "./nature.ts";

/**
 * Questions about everyday things that hardly any project is about: what search by a model is measured on before and
 * after, to see what training cost elsewhere. 80 passages, two questions each, one right passage a question.
 */
export function generalSet(): Dataset {
  const passages: Passage[] = [];
  const queries: Query[] = [];
  for (const block of [NATURE, EVERYDAY].flatMap((text) => text.trim().split("\n\n"))) {
    const lines = block.split("\n");
    const id = `general-${passages.length + 1}`;
    const asked = lines.filter((line) => line.startsWith("? "));
    passages.push({ id, text: lines.filter((line) => !line.startsWith("? ")).join(" ") });
    for (const [index, line] of asked.entries()) {
      queries.push({
        id: `${id}-${index + 1}`,
        text: line.slice(2),
        relevant: [{ passage: id, grade: 1 }],
      });
    }
  }
  return { queries, passages };
}
