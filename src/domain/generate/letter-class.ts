// Classes of letters in xgrammar's EBNF. Version 0.1.27 reads those of ASCII, and negated ones of ASCII (which hold every other letter);
// a class with letters beyond, [à-ÿ], takes none of them or all of ASCII. Such a class is written as a choice of texts instead.
import { RetuneError } from "../../engine/errors.ts";

const LETTER = /\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[^])|[^]/gu;
const ESCAPED: Readonly<Record<string, number>> = {
  n: 10,
  r: 13,
  t: 9,
  f: 12,
  b: 8,
  v: 11,
  a: 7,
  e: 27,
  "0": 0,
};
const MOST = 1024; // letters beyond ASCII that are spelled out
const ASCII = 0x80;

type LetterRange = readonly [from: number, to: number];

/** A class as texts beside a class of ASCII; undefined where it may stand as it is. Throws "usage" for one that is too wide for that. */
export function spelledClass(
  source: string,
): { readonly ascii: string; readonly texts: readonly string[] } | undefined {
  const negated = source.startsWith("[^");
  const ranges = rangesOf(source.slice(negated ? 2 : 1, -1));
  const beyond = ranges.filter(([, to]) => to >= ASCII);
  if (beyond.length === 0) return undefined;
  if (!negated && holdsAllBeyond(beyond)) return { ascii: withoutOthers(ranges), texts: [] };
  const count = beyond.reduce((sum, [from, to]) => sum + to - Math.max(from, ASCII) + 1, 0);
  if (negated || count > MOST) {
    const text = `the class ${source} names letters beyond ASCII ${negated ? "that may not stand" : `(${count})`}`;
    const next = `name at most ${MOST} that may, or leave out ASCII ones alone: [^"] takes every other letter`;
    throw new RetuneError("usage", `constrained answers: ${text}; ${next}`);
  }
  const plain = ranges.filter(([from]) => from < ASCII).map(([from, to]) => [from, Math.min(to, ASCII - 1)]);
  const ascii = plain.map(([from, to]) => `${hexadecimal(from!)}-${hexadecimal(to!)}`).join("");
  const texts = beyond.flatMap(([from, to]) =>
    Array.from({ length: to - Math.max(from, ASCII) + 1 }, (_, place) =>
      String.fromCodePoint(Math.max(from, ASCII) + place),
    ),
  );
  return { ascii: ascii === "" ? "" : `[${ascii}]`, texts };
}

const [SURROGATES, AFTER_SURROGATES, LAST] = [0xd800, 0xe000, 0x10ffff];

/** Do ranges hold every letter beyond ASCII? */
function holdsAllBeyond(ranges: readonly LetterRange[]): boolean {
  let next = ASCII;
  for (const [from, to] of [...ranges].sort(([a], [b]) => a - b)) {
    if (from > next) return false;
    next = Math.max(next, to + 1);
    if (next === SURROGATES) next = AFTER_SURROGATES;
  }
  return next > LAST;
}

/** All letters but those of ASCII that no range holds, which a negated class says. */
function withoutOthers(ranges: readonly LetterRange[]): string {
  const others = Array.from({ length: ASCII }, (_, code) => code).filter(
    (code) => !ranges.some(([from, to]) => code >= from && code <= to),
  );
  const named =
    others.length === 0 ? `${hexadecimal(0)}-${hexadecimal(0)}` : others.map(hexadecimal).join("");
  return `[^${named}]`;
}

function rangesOf(body: string): LetterRange[] {
  const letters = body.match(LETTER) ?? [];
  const ranges: LetterRange[] = [];
  for (let at = 0; at < letters.length; at++) {
    const from = codeOf(letters[at]!);
    const spans = letters[at + 1] === "-" && at + 2 < letters.length;
    ranges.push([from, spans ? codeOf(letters[at + 2]!) : from]);
    if (spans) at += 2;
  }
  return ranges;
}

function codeOf(letter: string): number {
  if (!letter.startsWith("\\") || letter.length === 1) return letter.codePointAt(0)!;
  if (letter.length > 2 && /^\\[xuU]/.test(letter)) return parseInt(letter.slice(2), 16);
  return ESCAPED[letter[1]!] ?? letter.codePointAt(1)!;
}

function hexadecimal(code: number): string {
  return `\\x${code.toString(16).padStart(2, "0")}`;
}
