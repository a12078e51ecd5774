import { keywords, type RulePassage } from "./passage.ts";
import { asAsker, isTopicWord, pickFrom, reworded, shortened, wordsOf } from "./words.ts";

const MOST_WORDS = 13;

/**
 * A question as a person who has not seen the passage would put it: their own "I", other words, and the topic where it
 * says too little by itself. Undefined where next to nothing is left to ask about.
 */
export function spoken(passage: RulePassage, question: string, sentence: string): string | undefined {
  const pick = pickFrom(sentence);
  const text = shortened(
    reworded(asAsker(question.replace(/\s+/g, " ").trim()), passage.glossary, pick),
    MOST_WORDS,
  );
  if (topicWords(text) < 2) return undefined;
  const vague = /\b(?:it|they|this|that|these|those|he|she|them|him|her)\b/.test(
    text.split(" ").slice(0, 5).join(" "),
  );
  return withTopic(passage, text, pick, vague);
}

/** A clause that says too little gets the heading's most telling word, as people add it. */
export function withTopic(passage: RulePassage, clause: string, pick: number, vague = false): string {
  const topic = keywords(passage.heading, 1, passage.weight)[0]?.toLowerCase();
  if (topic === undefined || (!vague && topicWords(clause) > 3) || clause.toLowerCase().includes(topic))
    return clause;
  return `${clause}, ${reworded(topic, passage.glossary, pick)}`;
}

export function topicWords(clause: string): number {
  return wordsOf(clause).filter(isTopicWord).length;
}
