// Questions without any model: deterministic, offline, each with the sentence it asks about and the rule that made it.
import type { GeneratedQuestion } from "../ports.ts";
import { PassageWords } from "../eval/tokens.ts";
import type { TeacherGenerator } from "./endpoint.ts";
import { inSomeForm } from "./rules/forms.ts";
import { glossaryOf } from "./rules/glossary.ts";
import { splitPassage, wordWeights, type Proposal, type RulePassage } from "./rules/passage.ts";
import { RULES } from "./rules/rules.ts";
import { pickFrom, wordsOf } from "./rules/words.ts";

/** Raise when the same passage would get other questions, so that stored rows are made anew. */
const VERSION = 1;
const MOST_COPIED = 0.5; // of a question's words, and of its 3-word runs, where there is a choice

/**
 * `corpus` are the texts the passages come from: its definitions let house words be asked for in everyday words, and
 * its word counts tell which words are telling. Without it every passage stands alone.
 */
export function ruleGenerator(corpus: readonly string[] = []): TeacherGenerator & { readonly kind: "rule" } {
  const glossary = glossaryOf(corpus);
  const weight = wordWeights(corpus);
  const known = JSON.stringify([...glossary]);
  return {
    name: "rules",
    kind: "rule",
    identity: `rules ${VERSION} ${corpus.length} ${pickFrom(known)}`,
    generate: ({ text, heading }, count) => {
      const passage: RulePassage = { ...splitPassage(text, heading), glossary, weight };
      return Promise.resolve(questionsFor(passage, text, count));
    },
  };
}

function questionsFor(passage: RulePassage, text: string, count: number): GeneratedQuestion[] {
  const own = new PassageWords(text);
  const proposals = RULES.flatMap((rule) => [...rule(passage)])
    .map((proposal) => ({ ...proposal, text: asTyped(proposal.text) }))
    .filter((proposal) => wordsOf(proposal.text).length >= 3)
    .map((proposal) => ({ ...proposal, merit: proposal.merit - penalty(proposal.text, own) }))
    .sort((a, b) => b.merit - a.merit);
  return chosen(proposals, count).map(({ text: question, rule, sentence }) => ({
    text: inSomeForm(question, rule === "topic"),
    rule,
    sentence,
  }));
}

/** As typed into a search box: single spaces, lower case but for "I". */
function asTyped(question: string): string {
  return question.replace(/\s+/g, " ").trim().toLowerCase().replace(/\bi\b/g, "I");
}

const LONGEST_WORD = 24; // longer ones are words that lost their spaces on the way out of a PDF

/** Copies, very short or long questions and glued words make poor training rows. */
function penalty(question: string, passage: PassageWords): number {
  const asked = wordsOf(question);
  const length = asked.length;
  const copied = passage.copiedTrigrams(question);
  const glued = asked.some((word) => word.length > LONGEST_WORD || /[.&]/.test(word));
  const words = passage.copyRate(question);
  return (
    copied +
    Math.max(0, words - MOST_COPIED) * 2 +
    (copied > MOST_COPIED ? 9 : 0) +
    (glued ? 1 : 0) +
    (length < 4 ? 0.5 : 0) +
    (length > 14 ? 0.5 : 0)
  );
}

/** The best proposals of different sentences and, where possible, different rules. */
function chosen(proposals: readonly Proposal[], count: number): Proposal[] {
  const result: Proposal[] = [];
  const fresh = (proposal: Proposal, strict: boolean) =>
    result.every(
      (other) =>
        other.text !== proposal.text &&
        (!strict ||
          (other.sentence !== proposal.sentence && other.rule.split("-")[0] !== proposal.rule.split("-")[0])),
    );
  for (const strict of [true, false]) {
    for (const proposal of proposals) {
      if (result.length >= count || (strict && proposal.merit < 0)) break;
      if (fresh(proposal, strict)) result.push(proposal);
    }
  }
  return result;
}
