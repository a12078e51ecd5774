import type { LabSides } from "../lab-task.ts";
import { byGroups } from "../split-rows.ts";
import type { FactExample, MemoriseExample } from "./memorise-example.ts";

/**
 * What is learnt, and what is asked: everything. Facts that are controls are never learnt: those that say so; where no row does, a
 * share of the groups. With a second file, its facts are controls unless the first file holds them, too (the guide's 70/30 form).
 */
export function memoriseSides(
  examples: readonly MemoriseExample[],
  share: number,
  seed: number,
  given?: readonly MemoriseExample[],
): LabSides<MemoriseExample> {
  const marked = given ? withFile(examples, given) : withControls(examples, share, seed);
  return { train: marked.filter(({ learnt }) => learnt), test: marked };
}

function withControls(
  examples: readonly MemoriseExample[],
  share: number,
  seed: number,
): readonly MemoriseExample[] {
  const facts = examples.filter(isFact);
  if (facts.some(({ learnt }) => !learnt) || facts.length === 0) return examples;
  const controls = new Set<MemoriseExample>(byGroups(facts, share, seed).test);
  return examples.map((example) => (controls.has(example) ? { ...example, learnt: false } : example));
}

function withFile(
  examples: readonly MemoriseExample[],
  given: readonly MemoriseExample[],
): readonly MemoriseExample[] {
  const keyOf = ({ questions, answer }: FactExample): string => JSON.stringify([questions[0], answer]);
  const known = new Set(examples.filter(isFact).map(keyOf));
  const further = given.filter((example) => !isFact(example) || !known.has(keyOf(example)));
  const asked = further.map((example) => ({
    ...example,
    ...(isFact(example) ? { learnt: false } : {}),
    id: `test ${example.id}`, // ids are those of lines where rows have none of their own
  }));
  return [...examples, ...asked];
}

function isFact(example: MemoriseExample): example is FactExample {
  return example.kind === "fact";
}
