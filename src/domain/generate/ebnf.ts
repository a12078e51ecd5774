// xgrammar's EBNF as a tree and back:  rule ::= choice | choice,  a choice is a row of elements: "text", [class], rule, ( choices ), each
// followed by ?, *, + or {m,n} or nothing. A rule may end in a lookahead, (= … ), which is kept as it stands; comments are left out.
import { spelledClass } from "./letter-class.ts";

export interface Element {
  readonly atom: Atom;
  readonly times: string; // "", "?", "*", "+", "{2,5}"
}

/** Letters of a text as the grammar spells them, escapes whole; what is no text or group is its own source: a class, or a rule's name. */
export type Atom =
  | { readonly kind: "text"; readonly letters: readonly string[] }
  | { readonly kind: "class" | "rule"; readonly source: string }
  | { readonly kind: "group"; readonly choices: Choices };

export type Choice = readonly Element[];
export type Choices = readonly Choice[];

export interface Rule {
  readonly choices: Choices;
  readonly lookahead: string; // "" where there is none
}

const TOKEN =
  /\s+|#[^\n]*|"(?:[^"\\\n]|\\[^])*"|\[(?:[^\]\\]|\\[^])*\]|::=|\(=|[A-Za-z_][\w.-]*|\{\d*,?\d*\}|[|()*+?]|[^]/gy;
const LETTER = /\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[^])|[^]/gu;
const BLANK = /^[\s#]/;
const TIMES = /^[*+?{]/;
const NAME = /^[A-Za-z_]/;

/** Rules by name, in their order; undefined where the text is not of this form: its own reader says why. */
export function parsedGrammar(source: string): ReadonlyMap<string, Rule> | undefined {
  const tokens = (source.match(TOKEN) ?? []).filter((token) => !BLANK.test(token));
  const reader = new Reader(tokens);
  const rules = new Map<string, Rule>();
  while (!reader.isDone) {
    const [name, rule] = [reader.take(), reader.take() === "::=" ? reader.rule() : undefined];
    if (name === undefined || !NAME.test(name) || !rule || rules.has(name)) return undefined;
    rules.set(name, rule);
  }
  return rules;
}

/** The same text with its classes changed, texts and comments left alone. */
export function withClasses(source: string, change: (source: string) => string): string {
  const isClass = (token: string): boolean => token.length > 1 && token.startsWith("[");
  return source.replace(TOKEN, (token) => (isClass(token) ? change(token) : token));
}

class Reader {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  get isDone(): boolean {
    return this.#at >= this.#tokens.length;
  }

  take(): string | undefined {
    return this.#tokens[this.#at++];
  }

  rule(): Rule | undefined {
    const choices = this.#choices();
    const lookahead = this.#tokens[this.#at] === "(=" ? this.#lookahead() : "";
    return choices && { choices, lookahead };
  }

  #choices(): Choices | undefined {
    const choices: Choice[] = [];
    do {
      const choice = this.#choice();
      if (!choice) return undefined;
      choices.push(choice);
    } while (this.#tokens[this.#at] === "|" && this.take());
    return choices;
  }

  #choice(): Choice | undefined {
    const elements: Element[] = [];
    for (;;) {
      const token = this.#tokens[this.#at];
      const ends = token === undefined || token === "|" || token === ")" || token === "(=";
      if (ends || this.#tokens[this.#at + 1] === "::=") return elements;
      const atom = this.#atom();
      if (!atom) return undefined;
      const times = TIMES.test(this.#tokens[this.#at] ?? "") ? this.take()! : "";
      elements.push({ atom, times });
    }
  }

  #atom(): Atom | undefined {
    const token = this.take()!;
    if (token.length > 1 && token.startsWith('"'))
      return { kind: "text", letters: token.slice(1, -1).match(LETTER) ?? [] };
    if (token.length > 1 && token.startsWith("[")) return classOf(token);
    if (NAME.test(token)) return { kind: "rule", source: token };
    if (token !== "(") return undefined;
    const choices = this.#choices();
    return choices && this.take() === ")" ? { kind: "group", choices } : undefined;
  }

  #lookahead(): string {
    const from = this.#at;
    let depth = 0;
    do {
      const token = this.take();
      if (token === "(" || token === "(=") depth++;
      if (token === ")") depth--;
    } while (depth > 0 && !this.isDone);
    const tokens = this.#tokens.slice(from, this.#at);
    return tokens.map((token) => (TIMES.test(token) ? token : ` ${token}`)).join("");
  }
}

/** A class, or a group of texts and a class where it names letters beyond ASCII. */
function classOf(source: string): Atom {
  const spelled = spelledClass(source);
  if (!spelled) return { kind: "class", source };
  const texts = spelled.texts.map((text): Choice => [{ atom: { kind: "text", letters: [text] }, times: "" }]);
  if (texts.length === 0) return { kind: "class", source: spelled.ascii };
  const ascii: Choice = [{ atom: { kind: "class", source: spelled.ascii }, times: "" }];
  return { kind: "group", choices: spelled.ascii === "" ? texts : [ascii, ...texts] };
}

export function printedGrammar(rules: ReadonlyMap<string, Rule>): string {
  const lines = [...rules].map(
    ([name, { choices, lookahead }]) => `${name} ::= ${printedChoices(choices)}${lookahead}`,
  );
  return `${lines.join("\n")}\n`;
}

export function printedChoices(choices: Choices): string {
  return choices.map((choice) => choice.map(printedElement).join(" ") || '""').join(" | ");
}

export function printedElement({ atom, times }: Element): string {
  if (atom.kind === "text") return `"${atom.letters.join("")}"${times}`;
  return (atom.kind === "group" ? `(${printedChoices(atom.choices)})` : atom.source) + times;
}
