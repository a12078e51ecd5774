// The same question in the forms in which people type it. One form for all would teach an adapter the form: it would
// learn to look past "what are the rules on", not to look for the passage. (On the sample, forms and plain clauses
// moved the tuned MRR@10 from 0.57 to 0.59–0.61, base 0.5897; tests/domain/synth/rule-training.test.ts.)
import { pickFrom } from "./words.ts";

const QUESTION_FORMS = [
  "$",
  "$?",
  "$",
  "I was wondering, $",
  "quick question: $",
  "$ exactly",
  "does anybody know $",
  "sorry, $",
  "please tell me $",
  "$ in our company",
  "new here, $",
  "not sure: $",
];
const TOPIC_FORMS = [
  "$",
  "$?",
  "what do I need to know about $",
  "$ rules",
  "help with $",
  "$ how does that work",
  "where can I read about $",
  "I have a question about $",
  "tell me about $",
  "is there anything about $",
  "looking for $",
  "what about $",
  "somebody mentioned $, what is that",
  "$ explained",
];

/** One of the forms, the same one for the same question on every machine. `isTopic`: a list of words, no clause. */
export function inSomeForm(question: string, isTopic: boolean): string {
  const forms = isTopic ? TOPIC_FORMS : QUESTION_FORMS;
  return forms[pickFrom(question) % forms.length]!.replace("$", () => question);
}
