// The plainest part of English grammar: who does what. Enough to turn "Proving lasts ninety days" into "how long does
// proving last", and to say nothing where a sentence is built otherwise.
import { FUNCTION_WORDS } from "./lexicon.ts";

export interface Clause {
  readonly subject: string; // "" for an order
  readonly helper: string; // what stands before the subject in a question: "does", "is", "may"
  readonly verb: string; // base form, or "" where the helper is the only verb
  readonly rest: string;
}

const VERBS: ReadonlySet<string> = new Set(
  (
    "accept achieve acquire act add address admit adopt agree aim allow announce answer appear apply approve arrange arrive ask " +
    "assess assign assume attend avoid bake bear become begin believe belong break bring build bury buy call cancel carry cause " +
    "change charge check choose claim clean close collect come compare compete complete comply conduct confirm connect consider " +
    "consist contain continue contribute control convert cost count cover create cut deal decide decline decrease define deliver " +
    "depend describe design develop differ dig disclose discuss draw drive drop earn eat employ enable end enter establish " +
    "estimate evaluate exceed exchange exist expand expect expire explain face fail fall feed fetch file fill find finish fit fix " +
    "follow forget form gain generate get give go grant grow handle hang happen hear help hire hold improve include incur " +
    "increase indicate inform insure introduce invest investigate invite involve issue join keep know lack last launch lead learn " +
    "leave lend let lie limit list live lock lose maintain make manage mark measure meet mend mention monitor move need note " +
    "notify obtain occur offer open operate order own pack park part pass pay perform permit place plan post prepare present " +
    "prevent process produce promise promote protect provide publish pull purchase push put raise reach read receive recognise " +
    "recognize recommend record recover reduce refer refuse register reject release rely remain remember remind remove rent repair repay replace " +
    "reply report represent request require reserve resolve respond rest result return review ring rise run save say see seek sell " +
    "send serve set settle share show shut sign sit sleep solve sort spend split stand start state stay steal stop store strike study " +
    "submit suffer supply support suspend switch take talk teach tell test thank think throw touch track train transfer travel treat try " +
    "turn understand update use vary verify visit vote wait wake walk want warn wash watch wear weigh wipe wish withdraw work write"
  ).split(" "),
);
/** Whether a word is the base form of a common verb. */
export function isVerb(word: string): boolean {
  return VERBS.has(word);
}

const HELPERS = new Set("is are was were can may must should will would could shall cannot might".split(" "));
const NO_SUBJECT =
  /^(?:and|but|or|so|then|if|when|while|because|that|which|who|whom|whose|what|whatever|whoever|where|how|as|for|with|without|in|on|at|by|after|before|until|to|of|from|not|no|also|only|once|unless)$/i;
const DETERMINER =
  /^(?:an?|the|your|our|my|his|her|its|their|every|each|any|some|of|in|on|at|by|for|with|from|to|and|or|no|this|that|new|own|first|last)$/i;
const OPENING =
  /^(?:First|So|But|And|Then|Also|Here|Instead|Otherwise|Usually|Please|Always|Still|However|Therefore|In addition|For example),? /;

/** The clauses of a sentence that can be read, their words as they stand. */
export function clausesOf(sentence: string): Clause[] {
  return sentence
    .split(/,(?!\d) ?|[;:–—()] ?/)
    .map((part) => clauseOf(part.trim().replace(/[.!?"”’']+$/, "")))
    .filter((clause) => clause !== undefined);
}

function clauseOf(part: string): Clause | undefined {
  const words = part
    .replace(OPENING, "")
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length < 3 || words.length > 24) return undefined;
  const first = words[0]!;
  if (
    /^\p{Lu}/u.test(part) &&
    VERBS.has(first.toLowerCase()) &&
    !HELPERS.has(words[1]!) &&
    !verbForm(words, 1)
  ) {
    return { subject: "", helper: "", verb: first.toLowerCase(), rest: words.slice(1).join(" ") };
  }
  if (NO_SUBJECT.test(first)) return undefined;
  for (let index = 1; index < Math.min(words.length - 1, 8); index++) {
    const word = words[index]!;
    if (/^(?:who|which|that|where|when|if)$/i.test(word)) return undefined;
    const subject = lowerArticle(words.slice(0, index).join(" "));
    const rest = words.slice(index + 1).join(" ");
    if (index > 1 && /\b(?:you|we|they|it|he|she|I)$/i.test(subject)) return undefined; // "what you …", "the one we …"
    if (HELPERS.has(word)) return { subject, helper: word === "cannot" ? "can" : word, verb: "", rest };
    const form = verbForm(words, index);
    if (form) return { subject, ...form, rest };
  }
  return undefined;
}

/** Helper and base form of the verb at `index`, where it can be no noun; past forms could be participles. */
function verbForm(words: readonly string[], index: number): { helper: string; verb: string } | undefined {
  const word = words[index]!;
  const before = words[index - 1]!;
  if (word !== word.toLowerCase() || DETERMINER.test(before)) return undefined;
  if (word === "has") return { helper: "does", verb: "have" };
  if (word === "have") return { helper: "do", verb: "have" };
  const plural = /[^s]s$/.test(before) || /^(?:you|we|they|people|women|men|children|staff)$/i.test(before);
  if (VERBS.has(word)) return plural ? { helper: "do", verb: word } : undefined;
  for (const [base, helper] of basesOf(word))
    if (VERBS.has(base) && (helper !== "does" || !plural)) return { helper, verb: base };
  return undefined;
}

function basesOf(word: string): [base: string, helper: "does"][] {
  if (word.endsWith("ies")) return [[`${word.slice(0, -3)}y`, "does"]];
  if (word.endsWith("es"))
    return [
      [word.slice(0, -1), "does"],
      [word.slice(0, -2), "does"],
    ];
  if (word.endsWith("s")) return [[word.slice(0, -1), "does"]];
  return [];
}

function lowerArticle(subject: string): string {
  const first = subject.split(" ")[0]!;
  return FUNCTION_WORDS.has(first.toLowerCase()) && first !== "I"
    ? first.toLowerCase() + subject.slice(first.length)
    : subject;
}

/** The clause as a yes-or-no question without its mark; an order as "do I have to …" or one of its kin. */
export function inverted({ subject, helper, verb, rest }: Clause, pick = 0): string {
  if (subject === "") return `${["do I have to", "should I", "do I need to"][pick % 3]!} ${verb} ${rest}`;
  return [helper, subject, verb, rest].filter((part) => part !== "").join(" ");
}

/** "lend" → "lends". */
export function thirdPerson(verb: string): string {
  if (verb === "have") return "has";
  if (/[^aeiou]y$/.test(verb)) return `${verb.slice(0, -1)}ies`;
  return /(?:[sxzo]|ch|sh)$/.test(verb) ? `${verb}es` : `${verb}s`;
}
