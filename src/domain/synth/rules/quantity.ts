import { clausesOf, inverted } from "./clause.ts";
import { NUMBER } from "./lexicon.ts";
import type { Proposal, Rule } from "./passage.ts";
import { spoken } from "./spoken.ts";

const UNIT = "days?|weeks?|months?|years?|hours?|minutes?|seconds?|nights?|evenings?";
const DURATION = `\\b${NUMBER}[- ](?:working |business |calendar |further |more )?(?:${UNIT})\\b`;
const MONEY = `(?:[£$€¥]\\s?\\d[\\d.,]*|\\b${NUMBER} (?:dollars|pounds|euros|million|billion)\\b)`;
const SHARE = `(?:\\b${NUMBER} ?(?:percent|per cent|%)|\\bone in ${NUMBER}\\b)`;
const MOMENT =
  "\\b(?:January|February|March|April|May|June|July|August|September|October|November|December|Monday|Tuesday|Wednesday" +
  "|Thursday|Friday|Saturday|Sunday|(?:19|20)\\d\\d|Christmas|Easter|spring|summer|autumn|winter|noon|midnight)s?\\b";
const COUNT = `\\b${NUMBER} ((?:\\p{Ll}+ )?\\p{Ll}{3,}s)\\b`;
const BEFORE =
  "(?:\\b(?:within|for|after|in|by|up to|at least|at most|about|around|roughly|some|only|another|every|of|over|than|until|on" +
  "|from|before|at|the|once|twice) )*";
const AFTER = "(?: (?:a|per|each) \\p{Ll}+)?";

interface Quantity {
  readonly pattern: RegExp; // with the words around the number that go with it
  readonly rule: string;
  readonly ask: (match: RegExpExecArray) => string;
}

const QUANTITIES: readonly Quantity[] = [
  { pattern: new RegExp(BEFORE + MONEY + AFTER, "iu"), rule: "amount", ask: () => "how much" },
  { pattern: new RegExp(`${BEFORE + SHARE}(?: of)?`, "iu"), rule: "share", ask: () => "what share" },
  {
    pattern: new RegExp(BEFORE + DURATION + AFTER, "iu"),
    rule: "duration",
    ask: (match) => (/every|twice|once/i.test(match[0]) ? "how often" : "how long"),
  },
  {
    pattern: /\b(?:once|twice|three times|four times) (?:a|every|each|per) \p{Ll}+/iu,
    rule: "frequency",
    ask: () => "how often",
  },
  {
    pattern: new RegExp(`${BEFORE + MOMENT}(?: (?:and|or|to) ${MOMENT})?`, "u"),
    rule: "date",
    ask: () => "when",
  },
  { pattern: new RegExp(BEFORE + COUNT, "u"), rule: "count", ask: (match) => `how many ${match.at(-1)!}` },
];

/** Numbers, amounts and dates: the clause around one, asked for it: "how long does proving last". */
export const quantityRule: Rule = (passage) =>
  passage.sentences.flatMap((sentence) =>
    clausesOf(sentence).flatMap((clause): Proposal[] => {
      const found = QUANTITIES.find(({ pattern }) => pattern.test(clause.rest));
      const match = found?.pattern.exec(clause.rest);
      if (!found || !match) return [];
      const rest = clause.rest.slice(0, match.index) + clause.rest.slice(match.index + match[0].length);
      const there = clause.subject.toLowerCase() === "there";
      const asked = there ? `${clause.helper} there ${rest}` : inverted({ ...clause, rest });
      const text = spoken(passage, `${found.ask(match)} ${asked}`, sentence);
      return text === undefined ? [] : [{ text, rule: found.rule, sentence, merit: 2.6 }];
    }),
  );
