import { squeezed, type TextBlock } from "./structure.ts";

/**
 * Paragraphs of a plain text: blank lines part them, line breaks inside become spaces. A heading is only what is
 * marked as one: a line underlined by === or ---, or a line of its own in capitals or numbered like "3.2 Title".
 */
export function readPlainText(text: string): TextBlock[] {
  const paragraphs = text.split(/\r\n?|\n/).reduce<string[][]>(
    (all, line) => {
      if (line.trim() === "") all.push([]);
      else all.at(-1)!.push(line);
      return all;
    },
    [[]],
  );
  return paragraphs.filter((lines) => lines.length > 0).flatMap(blocksOf);
}

function blocksOf(lines: readonly string[]): TextBlock[] {
  const [first, second] = [squeezed(lines[0]!), lines[1]?.trim() ?? ""];
  const level = /^={3,}$/.test(second) ? 1 : /^-{3,}$/.test(second) ? 2 : 0;
  if (level > 0) {
    const rest = lines.slice(2);
    return [{ kind: "heading", level, text: first }, ...(rest.length > 0 ? paragraphsOf(rest) : [])];
  }
  if (lines.length === 1 && isTitleLine(first)) return [{ kind: "heading", level: 2, text: first }];
  return paragraphsOf(lines);
}

function paragraphsOf(lines: readonly string[]): TextBlock[] {
  return [{ kind: "paragraph", level: 0, text: squeezed(lines.join(" ")) }];
}

function isTitleLine(line: string): boolean {
  if (line.length > 80 || /[.!?:;,]$/.test(line)) return false;
  const capitals = /\p{Lu}/u.test(line) && line === line.toUpperCase() && line.length > 3;
  return capitals || /^(?:\d+\.)*\d+\.?\s+\p{Lu}/u.test(line);
}
