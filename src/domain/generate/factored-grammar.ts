// xgrammar 0.1.27 takes texts that a grammar does not have, where alternatives of one rule begin alike: of ten strings of digits side by
// side it may take an eleventh. Alternatives with their beginnings in common written once, a ( b | c ) for a b | a c, are taken as they
// are; that is what stands here. Rules that it would set in where they are named are set in first, so that theirs count, too.
import {
  parsedGrammar,
  printedElement,
  printedGrammar,
  type Choice,
  type Choices,
  type Element,
  type Rule,
} from "./ebnf.ts";

type Rules = ReadonlyMap<string, Rule>;

/** An equal grammar in which no two alternatives begin alike; a grammar that cannot be read is given back, for xgrammar to refuse. */
export function factoredGrammar(source: string): string {
  const rules = parsedGrammar(source);
  if (!rules) return source;
  const factored = [...rules].map(([name, { choices, lookahead }]): [string, Rule] => [
    name,
    { choices: factoredChoices(choices, rules), lookahead },
  ]);
  return printedGrammar(new Map(factored));
}

function factoredChoices(choices: Choices, rules: Rules): Choices {
  const plain = choices.map((choice) => joinedTexts(choice));
  const alike = byBeginning(plain);
  const spread = spreadOut([...alike.values()], rules);
  const groups = spread ? byBeginning(spread.map((choice) => joinedTexts(choice))) : alike;
  return [...groups.values()].map((own) =>
    own.length === 1 ? within(own[0]!, rules) : together(own, rules),
  );
}

/** Texts side by side as one. */
function joinedTexts(choice: Choice): Choice {
  const joined: Element[] = [];
  for (const element of choice) {
    const last = joined.at(-1);
    const texts =
      last?.atom.kind === "text" && last.times === "" && element.times === "" ? last.atom : undefined;
    if (element.atom.kind === "text" && element.times === "" && element.atom.letters.length === 0) continue;
    if (texts && element.atom.kind === "text") {
      const letters = [...texts.letters, ...element.atom.letters];
      joined.splice(-1, 1, { atom: { kind: "text", letters }, times: "" });
    } else joined.push(element);
  }
  return joined;
}

/** Different choices by what they begin with: a letter, or an element as it is printed; "" for the empty one. */
function byBeginning(choices: Choices): Map<string, Choice[]> {
  const groups = new Map<string, Choice[]>();
  const seen = new Set<string>();
  for (const choice of choices) {
    const whole = choice.map(printedElement).join(" ");
    if (seen.has(whole)) continue;
    seen.add(whole);
    const key = beginningOf(choice);
    groups.set(key, [...(groups.get(key) ?? []), choice]);
  }
  return groups;
}

function beginningOf([first]: Choice): string {
  if (!first) return "";
  const { atom, times } = first;
  return atom.kind === "text" && times === "" ? `"${atom.letters[0]!}` : printedElement(first);
}

/** Choices with simple rules set in at their beginning, where that may make two of them alike; undefined where it may not. */
function spreadOut(groups: readonly (readonly Choice[])[], rules: Rules): Choices | undefined {
  const simple = groups.map(([choice]) => simpleChoices(choice![0], rules));
  const texts = groups.filter(([choice]) => choice![0]?.atom.kind === "text").length;
  const spread = simple.filter((choices) => choices !== undefined).length;
  if (spread === 0 || spread + texts < 2) return undefined;
  return groups.flatMap((own, index) => {
    const begins = simple[index];
    return begins ? own.flatMap((choice) => begins.map((begin) => [...begin, ...choice.slice(1)])) : own;
  });
}

/** The choices that an element stands for, if each is of texts and classes alone, none empty. */
function simpleChoices(element: Element | undefined, rules: Rules): Choices | undefined {
  if (!element || element.times !== "") return undefined;
  const { atom } = element;
  const rule = atom.kind === "rule" ? rules.get(atom.source) : undefined;
  const choices = atom.kind === "group" ? atom.choices : rule?.lookahead === "" ? rule.choices : undefined;
  if (!choices) return undefined;
  const found: Choice[] = [];
  for (const choice of choices.map(joinedTexts)) {
    if (choice.length === 0) return undefined;
    const inner = simpleChoices(choice[0], rules);
    const flat = inner ? inner.map((begin) => [...begin, ...choice.slice(1)]) : [choice];
    if (!flat.every((own) => own.every(({ atom: { kind } }) => kind === "text" || kind === "class")))
      return undefined;
    found.push(...flat);
  }
  return found;
}

/** One choice with the choices inside its groups factored. */
function within(choice: Choice, rules: Rules): Choice {
  return choice.map(({ atom, times }) =>
    atom.kind === "group"
      ? { atom: { kind: "group", choices: factoredChoices(atom.choices, rules) }, times }
      : { atom, times },
  );
}

/** Choices that begin alike as one: what they have in common, then a group of what is left. */
function together(choices: readonly Choice[], rules: Rules): Choice {
  const [head, rests] = parted(choices);
  const left = rests.filter((rest) => rest.length > 0);
  const group = { kind: "group", choices: factoredChoices(left, rules) } as const;
  return [...within([head], rules), { atom: group, times: left.length < rests.length ? "?" : "" }];
}

/** What all begin with, as far as texts go together, and what follows it in each. */
function parted(choices: readonly Choice[]): [Element, Choice[]] {
  const first = choices[0]![0]!;
  if (first.atom.kind !== "text" || first.times !== "")
    return [first, choices.map((choice) => choice.slice(1))];
  const texts = choices.map(([head]) => (head!.atom.kind === "text" ? head!.atom.letters : []));
  let common = 1;
  while (texts.every((letters) => letters.length > common && letters[common] === texts[0]![common])) common++;
  const rests = choices.map((choice, index): Choice => {
    const letters = texts[index]!.slice(common);
    const rest = choice.slice(1);
    return letters.length === 0 ? rest : [{ atom: { kind: "text", letters }, times: "" }, ...rest];
  });
  return [{ atom: { kind: "text", letters: texts[0]!.slice(0, common) }, times: "" }, rests];
}
