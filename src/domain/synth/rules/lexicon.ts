// Our own small lexicon of English: what to leave out of a search, and other words for common ones. Pairs, not senses:
// a swap must be harmless in most texts, so words with many meanings are left alone.

/** Words that carry no topic. */
export const FUNCTION_WORDS: ReadonlySet<string> = new Set(
  (
    "a about above after again all almost also although always am an and another any anybody anyone anything are as at away " +
    "be because been before being below between both but by can cannot could did do does doing done down during each either " +
    "else even ever every everybody everyone everything few first for from further had has have having he her here hers him " +
    "his how however i if in instead into is it its itself just least less let like made make makes many may me might mine " +
    "more most much must my neither never no nobody none nor not nothing now of off often on once one only or other others " +
    "ought our ours out over own per perhaps please quite rather really same second shall she should since so some somebody " +
    "someone something soon still such than that the their theirs them then there therefore these they thing things this " +
    "those though through thus till to together too toward towards under unless until up upon us very via was we well were " +
    "what whatever when whenever where wherever whether which while who whoever whom whose why will with within without " +
    "would yes yet you your yours yourself s t d ll re ve m don doesn isn aren wasn won"
  ).split(" "),
);

/** Base form → what else people say. Verbs and nouns that inflect regularly. */
const SYNONYMS: readonly (readonly [string, ...string[]])[] = [
  ["approve", "accept"],
  ["desk", "table"],
  ["morning", "day"],
  ["abroad", "in another country"],
  ["accident", "injury"],
  ["annual", "yearly"],
  ["badge", "pass"],
  ["bicycle", "bike"],
  ["clothes", "outfit"],
  ["confidential", "secret"],
  ["deadline", "due date"],
  ["director", "senior manager"],
  ["dispute", "disagreement"],
  ["doctor", "physician"],
  ["easy", "simple"],
  ["emergency", "urgent case"],
  ["employ", "hire"],
  ["equipment", "gear"],
  ["error", "mistake"],
  ["exit", "way out"],
  ["explain", "describe"],
  ["founder", "owner"],
  ["funeral", "burial"],
  ["gift", "present"],
  ["hire", "recruit"],
  ["insurance", "cover"],
  ["lunch", "midday meal"],
  ["neighbour", "person next door"],
  ["parents", "mother and father"],
  ["pension", "retirement savings"],
  ["phone", "telephone"],
  ["police", "authorities"],
  ["profit", "earnings"],
  ["proposal", "suggestion"],
  ["receipt", "proof of purchase"],
  ["screen", "monitor"],
  ["sick", "ill"],
  ["stranger", "unknown person"],
  ["suitcase", "luggage"],
  ["teach", "train"],
  ["theft", "stealing"],
  ["tired", "exhausted"],
  ["toilet", "bathroom"],
  ["university", "college"],
  ["urgent", "pressing"],
  ["vacation", "holiday"],
  ["yearly", "annual"],
  ["acquire", "buy"],
  ["agree", "approve"],
  ["allow", "permit"],
  ["amount", "sum"],
  ["announce", "report"],
  ["answer", "reply"],
  ["arrange", "organise"],
  ["arrive", "come"],
  ["assist", "help"],
  ["attempt", "try"],
  ["begin", "start"],
  ["benefit", "perk"],
  ["building", "site"],
  ["buy", "purchase"],
  ["child", "kid"],
  ["choose", "pick"],
  ["claim", "request"],
  ["colleague", "coworker"],
  ["company", "firm"],
  ["competitor", "rival"],
  ["complaint", "grievance"],
  ["computer", "laptop"],
  ["contract", "agreement"],
  ["customer", "client"],
  ["decide", "choose"],
  ["decline", "drop"],
  ["decrease", "fall"],
  ["describe", "explain"],
  ["device", "equipment"],
  ["disclose", "reveal"],
  ["document", "paper"],
  ["earn", "make"],
  ["employee", "worker"],
  ["end", "finish"],
  ["enter", "record"],
  ["evening", "night"],
  ["expense", "cost"],
  ["expect", "anticipate"],
  ["finish", "complete"],
  ["fix", "repair"],
  ["get", "receive"],
  ["give", "provide"],
  ["growth", "increase"],
  ["guest", "visitor"],
  ["hazard", "danger"],
  ["holiday", "vacation"],
  ["house", "home"],
  ["ill", "sick"],
  ["illness", "sickness"],
  ["increase", "rise"],
  ["inform", "tell"],
  ["injury", "accident"],
  ["inspect", "examine"],
  ["journey", "trip"],
  ["laptop", "computer"],
  ["lawsuit", "legal case"],
  ["lend", "hand out"],
  ["litigation", "legal dispute"],
  ["manager", "boss"],
  ["meeting", "appointment"],
  ["mend", "repair"],
  ["message", "note"],
  ["mistake", "error"],
  ["money", "funds"],
  ["newcomer", "new starter"],
  ["office", "workplace"],
  ["parcel", "package"],
  ["password", "login"],
  ["permission", "approval"],
  ["person", "individual"],
  ["photograph", "picture"],
  ["product", "item"],
  ["promise", "commitment"],
  ["provide", "offer"],
  ["publish", "make public"],
  ["purchase", "buy"],
  ["purpose", "reason"],
  ["receive", "get"],
  ["reduce", "lower"],
  ["refuse", "reject"],
  ["regulation", "rule"],
  ["rent", "lease"],
  ["repair", "fix"],
  ["require", "need"],
  ["reserve", "book"],
  ["revenue", "sales"],
  ["risk", "danger"],
  ["rule", "policy"],
  ["salary", "pay"],
  ["send", "submit"],
  ["sign", "approve"],
  ["speak", "talk"],
  ["staff", "employees"],
  ["supplier", "vendor"],
  ["task", "job"],
  ["telephone", "phone"],
  ["tell", "inform"],
  ["travel", "trip"],
  ["trip", "journey"],
  ["wage", "salary"],
  ["warn", "alert"],
];

const OTHER_WORDS: ReadonlyMap<string, readonly string[]> = new Map(
  SYNONYMS.map(([word, ...others]) => [word, others]),
);

/** Another word for one in any regular form ("requested" → "asked for"), or undefined. */
export function otherWord(word: string, pick: number): string | undefined {
  const own = OTHER_WORDS.get(word);
  if (own) return own[pick % own.length];
  for (const [ending, bases] of endingsOf(word)) {
    for (const base of bases) {
      const others = OTHER_WORDS.get(base);
      if (others) return inflected(others[pick % others.length]!, ending);
    }
  }
  return undefined;
}

/** What a word may be a form of. */
function endingsOf(word: string): [ending: "s" | "ed" | "ing", bases: string[]][] {
  if (word.endsWith("ies")) return [["s", [`${word.slice(0, -3)}y`]]];
  if (word.endsWith("es")) return [["s", [word.slice(0, -1), word.slice(0, -2)]]];
  if (word.endsWith("s")) return [["s", [word.slice(0, -1)]]];
  if (word.endsWith("ied")) return [["ed", [`${word.slice(0, -3)}y`]]];
  if (word.endsWith("ed")) return [["ed", [word.slice(0, -1), word.slice(0, -2)]]];
  if (word.endsWith("ing")) return [["ing", [word.slice(0, -3), `${word.slice(0, -3)}e`]]];
  return [];
}

const IRREGULAR_PAST: Readonly<Record<string, string>> = {
  break: "broken",
  buy: "bought",
  bring: "brought",
  choose: "chosen",
  come: "come",
  deal: "dealt",
  drop: "dropped",
  fall: "fallen",
  get: "got",
  give: "given",
  go: "gone",
  hold: "held",
  make: "made",
  put: "put",
  reset: "reset",
  rise: "risen",
  split: "split",
  submit: "submitted",
  permit: "permitted",
  take: "taken",
  tell: "told",
  log: "logged",
};

/** The first word of a phrase with an English ending. */
function inflected(phrase: string, ending: "s" | "ed" | "ing"): string {
  const [first = "", ...rest] = phrase.split(" ");
  if (ending === "s" && first.endsWith("s")) return phrase;
  return [withEnding(first, ending), ...rest].join(" ");
}

function withEnding(word: string, ending: "s" | "ed" | "ing"): string {
  if (ending === "s") {
    if (/[^aeiou]y$/.test(word)) return `${word.slice(0, -1)}ies`;
    return /(?:[sxzo]|ch|sh)$/.test(word) ? `${word}es` : `${word}s`;
  }
  if (ending === "ed") {
    const irregular = IRREGULAR_PAST[word];
    if (irregular !== undefined) return irregular;
    if (/[^aeiou]y$/.test(word)) return `${word.slice(0, -1)}ied`;
    return word.endsWith("e") ? `${word}d` : `${word}ed`;
  }
  if (["drop", "get", "split", "submit", "permit", "put", "log"].includes(word))
    return `${word}${word.at(-1)!}ing`;
  return word.endsWith("e") && !word.endsWith("ee") ? `${word.slice(0, -1)}ing` : `${word}ing`;
}

const NUMBER_WORDS =
  "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen " +
  "twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion half twice";

/** Alternation for a number in digits or words, to be put inside a larger expression. */
export const NUMBER = `(?:\\d[\\d.,]*|(?:${NUMBER_WORDS.split(" ").join("|")})(?:[- ](?:${NUMBER_WORDS.split(" ").join("|")}))*)`;
