// The rules: each reads a passage and proposes questions about single sentences. They work on the surface of English,
// so each fires only where its pattern is plain; the topic rule always has something to say.
import { clausesOf, inverted, thirdPerson } from "./clause.ts";
import { definitionsIn } from "./glossary.ts";
import { keywords, type Proposal, type Rule } from "./passage.ts";
import { quantityRule } from "./quantity.ts";
import { spoken, topicWords, withTopic } from "./spoken.ts";
import { asAsker, pickFrom, reworded, shortened } from "./words.ts";

/** "X is a …": what X is, and, the other way round, what the thing described is called. */
export const definitionRule: Rule = (passage) =>
  definitionsIn(passage.sentences.join("\n")).flatMap(({ term, meaning, sentence }): Proposal[] => {
    const pick = pickFrom(sentence + term);
    const plain = term.toLowerCase();
    const asked = [`what is meant by ${plain}`, `what does ${plain} mean`, `${plain} meaning`][pick % 3]!;
    const told = shortened(reworded(asAsker(meaning), new Map(), pick), 9);
    const named = [`what do you call ${told}`, `name for ${told}`, `what is the word here for ${told}`][
      pick % 3
    ]!;
    return [
      { text: asked, rule: "definition", sentence, merit: 1.8 },
      { text: named, rule: "definition-reversed", sentence, merit: 2.5 },
    ];
  });

const SUBJECT =
  "you|we|employees|staff|members|users|customers|nobody|no one|anybody|everybody|everyone|anyone";
const MODAL =
  "may|can|could|must|should|shall|have to|need to|need not|must not|may not|cannot|are allowed to|are required to";
const PERMISSION = new RegExp(
  `\\b(${SUBJECT}) (${MODAL})(?: not| never| only| always| also)? ([^,.;:]{6,120})`,
  "iu",
);

/** "You may / must / need not …": am I allowed to, do I have to. */
export const permissionRule: Rule = (passage) =>
  passage.sentences.flatMap((sentence): Proposal[] => {
    const match = PERMISSION.exec(sentence);
    if (!match) return [];
    const pick = pickFrom(sentence);
    const must = /must|should|shall|have|need|required/i.test(match[2]!);
    const subject = /^(?:we|customers)$/i.test(match[1]!) ? match[1]!.toLowerCase() : "I";
    const first = must
      ? [`do ${subject} have to`, "is it mandatory to", `do ${subject} really need to`][pick % 3]!
      : [`can ${subject}`, "is it allowed to", "is it okay to"][pick % 3]!;
    const clause = shortened(reworded(asAsker(match[3]!), passage.glossary, pick), 10);
    if (topicWords(clause) < 2) return [];
    return [
      { text: `${first} ${withTopic(passage, clause, pick)}`, rule: "permission", sentence, merit: 2.5 },
    ];
  });

const CONDITION =
  /(?:^|[,;] )(?:if|when|whenever|in case|once) ((?:you|we|your|our|the|an?|somebody|someone|nobody|another|two|more|any|no)\b[^,;:.]{8,100})[,;.]/i;

/** "If …, …": what happens then. */
export const conditionRule: Rule = (passage) =>
  passage.sentences.flatMap((sentence): Proposal[] => {
    const match = CONDITION.exec(sentence);
    if (!match) return [];
    const pick = pickFrom(sentence);
    const clause = shortened(reworded(asAsker(match[1]!), passage.glossary, pick), 11);
    if (topicWords(clause) < 2) return [];
    const opening = ["what happens if", "what should I do when", "what if"][pick % 3]!;
    return [
      { text: `${opening} ${withTopic(passage, clause, pick)}`, rule: "condition", sentence, merit: 2.7 },
    ];
  });

/** "… because / so that …": why. */
export const reasonRule: Rule = (passage) =>
  passage.sentences.flatMap((sentence): Proposal[] => {
    const match = /^(.{10,160}?),? (?:because|so that|in order to|for the reason that|since) /.exec(sentence);
    const clause = match ? clausesOf(match[1]!).at(-1) : undefined;
    if (!clause) return [];
    const asked = clause.subject === "" ? `should I ${clause.verb} ${clause.rest}` : inverted(clause);
    const text = spoken(passage, `why ${asked}`, sentence);
    return text === undefined ? [] : [{ text, rule: "reason", sentence, merit: 2.5 }];
  });

/** A clause as a plain question: "may the Rolling be postponed", "do I have to ask my keeper". */
export const clauseRule: Rule = (passage) =>
  passage.sentences.flatMap((sentence, index) =>
    clausesOf(sentence).flatMap((clause): Proposal[] => {
      if (clause.subject.toLowerCase() === "there") return [];
      const text = spoken(passage, inverted(clause, pickFrom(sentence)), sentence);
      return text === undefined ? [] : [{ text, rule: "clause", sentence, merit: 2.6 - index * 0.01 }];
    }),
  );

/** Who does it, of a clause whose subject is a name: "who lends small boxes". */
export const actorRule: Rule = (passage) =>
  passage.sentences.flatMap((sentence) =>
    clausesOf(sentence).flatMap(({ subject, helper, verb, rest }): Proposal[] => {
      if (!/^(?:the |our )?\p{Lu}[\p{L}’'-]+(?: \p{L}+)?$/u.test(subject) || helper === "") return [];
      const action = verb === "" ? helper : thirdPerson(verb);
      const text = spoken(passage, `who ${action} ${rest}`, sentence);
      return text === undefined ? [] : [{ text, rule: "actor", sentence, merit: 2.3 }];
    }),
  );

/** Any salient sentence, as people type into a search box: heading words and the sentence's telling words, reworded. */
export const topicRule: Rule = (passage) =>
  passage.sentences.map((sentence, index): Proposal => {
    const heading = keywords(passage.heading, 1, passage.weight);
    const own = keywords(sentence, 4, passage.weight);
    const words = [...new Set([...heading, ...own].map((word) => word.toLowerCase()))];
    const text = reworded(asAsker(words.join(" ")), passage.glossary, pickFrom(sentence));
    const told = own.reduce((sum, word) => sum + passage.weight(word), 0);
    return { text, rule: "topic", sentence, merit: 1 + told / (told + 12) - index * 0.01 };
  });

export const RULES: readonly Rule[] = [
  definitionRule,
  quantityRule,
  conditionRule,
  permissionRule,
  reasonRule,
  actorRule,
  clauseRule,
  topicRule,
];
