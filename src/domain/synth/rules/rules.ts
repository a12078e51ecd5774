// The rules: each reads a passage and proposes questions about single sentences. They work on the surface of English,
// without a parser, so each fires only where its pattern is plain; the topic rule always has something to say.
import { definitionsIn } from "./glossary.ts";
import { NUMBER } from "./lexicon.ts";
import { keywords, type Proposal, type Rule, type RulePassage } from "./passage.ts";
import { asAsker, isTopicWord, pickFrom, reworded, shortened, wordsOf } from "./words.ts";

const UNIT = "days?|weeks?|months?|years?|hours?|minutes?|seconds?|nights?|evenings?";
const DURATION = new RegExp(
  `\\b${NUMBER}[- ](?:working |business |calendar |further |more )?(${UNIT})\\b`,
  "iu",
);
const MONEY = new RegExp(
  `[£$€¥]\\s?\\d[\\d.,]*|\\b${NUMBER} (?:dollars|pounds|euros|million|billion)\\b`,
  "iu",
);
const SHARE = new RegExp(`\\b${NUMBER} ?(?:percent|per cent|%)|\\bone in ${NUMBER}\\b`, "iu");
const MOMENT =
  /\b(?:January|February|March|April|May|June|July|August|September|October|November|December|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|(?:19|20)\d\d|Christmas|Easter|spring|summer|autumn|winter|noon|midnight)\b/u;
const COUNT = new RegExp(`\\b${NUMBER} ((?:\\p{Ll}+ )?\\p{Ll}{3,}s)\\b`, "u");

/** "X is a …": what X is, and, the other way round, what the thing described is called. */
export const definitionRule: Rule = (passage) =>
  definitionsIn(passage.sentences.join("\n")).flatMap(({ term, meaning, sentence }): Proposal[] => {
    const pick = pickFrom(sentence + term);
    const plain = term.toLowerCase();
    const asked = [`what is meant by ${plain}`, `meaning of ${plain}`, `what does ${plain} stand for`][
      pick % 3
    ]!;
    const topic = topicOf(passage, sentence, 1).filter((word) => !plain.includes(word));
    const told = shortened(reworded(asAsker(meaning), new Map(), pick), 10);
    const named = [`what do you call ${told}`, `name for ${told}`, `what is the word here for ${told}`][
      pick % 3
    ]!;
    return [
      { text: [asked, ...topic].join(" "), rule: "definition", sentence, merit: 2.2 },
      { text: named, rule: "definition-reversed", sentence, merit: 2.6 },
    ];
  });

/** Numbers, amounts and dates: how much, how long, how many, when. */
export const quantityRule: Rule = (passage) =>
  passage.sentences.flatMap((sentence): Proposal[] => {
    const opening = quantityOpening(sentence);
    if (opening === undefined) return [];
    const about = topicPhrase(passage, sentence, 4, opening.drop);
    return about === ""
      ? []
      : [{ text: `${opening.words} ${about}`, rule: opening.rule, sentence, merit: 2.4 }];
  });

function quantityOpening(sentence: string): { words: string; rule: string; drop: RegExp } | undefined {
  const pick = pickFrom(sentence);
  if (MONEY.test(sentence)) {
    return {
      words: ["how much money", "what is the amount for", "cost of"][pick % 3]!,
      rule: "amount",
      drop: MONEY,
    };
  }
  if (SHARE.test(sentence))
    return { words: ["what percentage", "what share"][pick % 2]!, rule: "share", drop: SHARE };
  const duration = DURATION.exec(sentence);
  if (duration) {
    const unit = duration[1]!.toLowerCase().replace(/s?$/, "s");
    const words = ["how long", `how many ${unit}`, "time limit for"][pick % 3]!;
    return { words, rule: "duration", drop: DURATION };
  }
  const moment = MOMENT.exec(sentence);
  if (moment && moment.index > 0)
    return { words: ["when", "what date", "at what time"][pick % 2]!, rule: "date", drop: MOMENT };
  const count = COUNT.exec(sentence);
  return count ? { words: `how many ${count[1]!.toLowerCase()}`, rule: "count", drop: COUNT } : undefined;
}

/** "You may / must / need not …": am I allowed to, do I have to. */
export const permissionRule: Rule = (passage) =>
  passage.sentences.flatMap((sentence): Proposal[] => {
    const match =
      /\b(you|we|employees|staff|members|users|customers|nobody|no one|anybody|everybody|everyone|anyone|they|\p{Lu}\p{L}+) (may|can|could|must|should|shall|have to|need to|need not|must not|may not|cannot|are allowed to|are required to)( not| never| only| always| also)? ([^,.;:]{6,120})/u.exec(
        sentence,
      );
    if (!match) return [];
    const [, who, modal, , action] = match;
    const pick = pickFrom(sentence);
    const must = /must|should|shall|have|need|required/.test(modal!);
    const subject =
      /^(?:you|nobody|no one|anybody|everybody|everyone|anyone|employees|staff|members|users)$/i.test(who!)
        ? "I"
        : who!.toLowerCase();
    const first = must
      ? [`do ${subject} have to`, `is it mandatory to`, `must ${subject}`][pick % 3]!
      : [`can ${subject}`, `is it allowed to`, `am ${subject} permitted to`][
          pick % (subject === "I" ? 3 : 2)
        ]!;
    const clause = shortened(reworded(asAsker(action!), passage.glossary, pick), 9);
    return [{ text: `${first} ${clause}`, rule: "permission", sentence, merit: 2.5 }];
  });

/** "If …, …": what happens then. */
export const conditionRule: Rule = (passage) =>
  passage.sentences.flatMap((sentence): Proposal[] => {
    const match = /(?:^|[,;] )(?:if|when|whenever|in case|once|unless) ([^,;:.]{8,100})[,;.]/i.exec(sentence);
    if (!match) return [];
    const pick = pickFrom(sentence);
    const clause = shortened(reworded(asAsker(match[1]!), passage.glossary, pick), 9);
    const opening = ["what happens if", "what should I do when", ""][pick % 3]!;
    const closing = opening === "" ? " what now" : "";
    return [{ text: `${opening} ${clause}${closing}`.trim(), rule: "condition", sentence, merit: 2.7 }];
  });

/** "… because / so that …": why. */
export const reasonRule: Rule = (passage) =>
  passage.sentences.flatMap((sentence): Proposal[] => {
    const match = /^(.{10,140}?),? (?:because|so that|in order to|for the reason that|since) /.exec(sentence);
    if (!match) return [];
    const about = topicPhrase(passage, match[1]!, 5, /$^/);
    return about === "" ? [] : [{ text: `why ${about}`, rule: "reason", sentence, merit: 2.3 }];
  });

/** "The Tinkers lend …": who does it. */
export const actorRule: Rule = (passage) =>
  passage.sentences.flatMap((sentence): Proposal[] => {
    const match =
      /^(?:The |Our |Your )?((?:\p{Lu}[\p{L}’'-]+ ?){1,3}|[\p{Ll}-]+) ((?:\p{Ll}+(?:s|ed)) [^,.;:]{8,90})/u.exec(
        sentence,
      );
    if (!match || !isTopicWord(match[1]!.trim())) return [];
    const pick = pickFrom(sentence);
    const clause = shortened(reworded(asAsker(match[2]!), passage.glossary, pick), 8);
    return [{ text: `who ${clause}`, rule: "actor", sentence, merit: 1.6 }];
  });

/** Any salient sentence, as people type into a search box: heading words and the sentence's telling words, reworded. */
export const topicRule: Rule = (passage) =>
  passage.sentences.map((sentence, index): Proposal => {
    const pick = pickFrom(sentence);
    const about = topicPhrase(passage, sentence, 5, /$^/);
    const opening = ["", "how does it work with", "what are the rules for", "information on"][pick % 4]!;
    const own = keywords(sentence, 4, passage.weight).reduce((sum, word) => sum + passage.weight(word), 0);
    const merit = 1 + own / (own + 12) - index * 0.01;
    return { text: `${opening} ${about}`.trim(), rule: "topic", sentence, merit };
  });

export const RULES: readonly Rule[] = [
  definitionRule,
  quantityRule,
  permissionRule,
  conditionRule,
  reasonRule,
  actorRule,
  topicRule,
];

/** The heading's and the sentence's telling words in other words, without what the question asks for. */
function topicPhrase(passage: RulePassage, sentence: string, count: number, drop: RegExp): string {
  const pick = pickFrom(sentence);
  const words = topicOf(passage, sentence.replace(drop, " "), count);
  return reworded(asAsker(words.join(" ")), passage.glossary, pick);
}

function topicOf(passage: RulePassage, sentence: string, count: number): string[] {
  const heading = keywords(passage.heading, 2, passage.weight);
  const own = keywords(sentence, count, passage.weight);
  const all = [...heading, ...own].map((word) =>
    /^\p{Lu}\p{Ll}/u.test(word) && wordsOf(word).length === 1 ? word.toLowerCase() : word,
  );
  return [...new Set(all)].slice(0, count + 1);
}
