// What a model wrote → questions. The compatible parser is LlamaIndex's to the character (llamaindex.md §1.3): strip,
// split at "\n", drop one leading number with ")", "." or white space, strip, drop empty lines, keep the first N. It
// takes a preamble for a question; the strict parser, our default, keeps only what reads like one.

/** Exactly LlamaIndex's reading of an answer. */
export function parseCompatible(answer: string, count: number): string[] {
  return pythonStrip(answer)
    .split("\n")
    .map((line) => pythonStrip(withoutNumber(line)))
    .filter((line) => line !== "")
    .slice(0, count);
}

/**
 * The first N different questions of an answer: thinking sections, code fences, bullets, numbers, "Q1:", bold marks and
 * quotes are taken off; lines without a question mark are dropped, and what follows the last one on a line.
 */
export function parseStrict(answer: string, count: number): string[] {
  const visible = answer.replace(/<think(?:ing)?>[^]*?(?:<\/think(?:ing)?>|$)/gi, "");
  const lines = jsonLines(visible) ?? visible.split(/\r\n?|\n/);
  const questions = new Map<string, string>();
  for (const line of lines) {
    const question = bareQuestion(line);
    if (question !== undefined && !questions.has(question.toLowerCase()))
      questions.set(question.toLowerCase(), question);
  }
  return [...questions.values()].slice(0, count);
}

const MARKS =
  /^(?:[-*+•–—>#]+\s*|\(?\p{Nd}{1,3}[).:\]]\s*|Q(?:uestion)?\s*\p{Nd}{0,3}\s*[.:)-]\s*|["'“‘`]+)/iu;
const BARE_NUMBER = /^\p{Nd}{1,2}\s+(?=\p{Lu})/u; // "3 How?", but "401 errors" is a text

function bareQuestion(line: string): string | undefined {
  let bare = line.replaceAll(/\*\*|__/g, "").trim();
  for (let next = unmarked(bare); next !== bare; next = unmarked(bare)) bare = next;
  const end = Math.max(...["?", "？", "؟", "⸮", ";?"].map((mark) => bare.lastIndexOf(mark)));
  if (end < 0) return undefined;
  const question = bare.slice(0, end + 1).trim();
  return /[\p{L}\p{N}]/u.test(question) ? question : undefined;
}

function unmarked(line: string): string {
  return line.replace(MARKS, "").replace(BARE_NUMBER, "");
}

/** Some models answer with a JSON list, in a code fence or bare. */
function jsonLines(answer: string): string[] | undefined {
  const list = /\[[^]*\]/.exec(answer)?.[0];
  if (list === undefined || !/^\s*(?:```\w*\s*)?\[/.test(answer)) return undefined;
  try {
    const value: unknown = JSON.parse(list);
    return Array.isArray(value) ? value.filter((item) => typeof item === "string") : undefined;
  } catch {
    return undefined; // not JSON after all: read it as lines
  }
}

/** Python's re.sub(r"^\d+[\).\s]", "", line): digits of any script, then one character. */
function withoutNumber(line: string): string {
  const digits = /^\p{Nd}+/u.exec(line)?.[0];
  if (digits === undefined) return line;
  const next = line[digits.length];
  const drops = next !== undefined && (next === ")" || next === "." || isPythonSpace(next));
  return drops ? line.slice(digits.length + 1) : line;
}

/** Python's str.strip(): other white space than JavaScript's trim() takes. */
function pythonStrip(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isPythonSpace(text[start]!)) start++;
  while (end > start && isPythonSpace(text[end - 1]!)) end--;
  return text.slice(start, end);
}

/** str.isspace() of one character: U+001C–U+001F and U+0085 are, U+FEFF is not. */
function isPythonSpace(character: string): boolean {
  const code = character.charCodeAt(0);
  if ((code >= 0x1c && code <= 0x1f) || code === 0x85) return true;
  return code !== 0xfeff && /\s/.test(character);
}
