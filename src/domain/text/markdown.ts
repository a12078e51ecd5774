import { decodeEntities } from "./entities.ts";
import { squeezed, type TextBlock } from "./structure.ts";

const HEADING = /^ {0,3}(#{1,6})(?:\s+(.*?))?(?:\s+#+)?\s*$/;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const ITEM = /^\s*(?:[-*+]|\d{1,9}[.)])\s+(?:\[[ xX]\]\s+)?(.*)$/;
const RULE = /^ {0,3}(?:(?:-\s*){3,}|(?:\*\s*){3,}|(?:_\s*){3,})$/;
const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;

/** Markdown → blocks: headings, paragraphs, list items, fenced code kept as it stands. Links keep their words only. */
export function readMarkdown(text: string): TextBlock[] {
  return new MarkdownReader(text).read();
}

/** The words of inline Markdown: emphasis, code marks, links, pictures and HTML tags dropped, entities decoded. */
export function inlineText(markdown: string): string {
  const bare = markdown
    .replace(/\\([!-/:-@[-`{-~])/g, (_, mark: string) => `&#${mark.charCodeAt(0)};`) // decoded at the end
    .replace(/<(https?:[^>\s]{1,500})>/g, "$1")
    .replace(/<!--.{0,300}?-->|<\/?[a-zA-Z][^<>]{0,300}>/g, "")
    .replace(/!?\[((?:[^[\]\\]|\\.){0,1000})\](?:\([^()\n]{0,2000}\)|\[[^\]\n]{0,200}\])/g, "$1")
    .replace(/(`+)(.{1,2000}?)\1/g, "$2")
    .replace(/(\*\*|__)(?=\S)(.{1,2000}?\S?)\1/g, "$2")
    .replace(/(?<![\p{L}\p{N}*])\*(?=\S)([^*\n]{1,2000}?)\*(?!\*)/gu, "$1")
    .replace(/(?<![\p{L}\p{N}_])_(?=\S)([^_\n]{1,2000}?)_(?![\p{L}\p{N}_])/gu, "$1")
    .replace(/~~(?=\S)([^~\n]{1,2000}?)~~/g, "$1");
  return squeezed(decodeEntities(bare));
}

class MarkdownReader {
  private readonly blocks: TextBlock[] = [];
  private readonly lines: readonly string[];
  private paragraph: string[] = [];

  constructor(text: string) {
    this.lines = withoutFrontMatter(text.split(/\r\n?|\n/));
  }

  read(): TextBlock[] {
    for (let index = 0; index < this.lines.length; index++) {
      const fence = FENCE.exec(this.lines[index]!)?.[1];
      if (fence !== undefined) index = this.code(index, fence);
      else this.line(this.lines[index]!);
    }
    this.endParagraph();
    return this.blocks;
  }

  private line(line: string): void {
    const heading = HEADING.exec(line);
    if (line.trim() === "") this.endParagraph();
    else if (heading) this.add("heading", inlineText(heading[2] ?? ""), heading[1]!.length);
    else if (/^ {0,3}=+\s*$/.test(line) && this.paragraph.length > 0) this.underlined(1);
    else if (/^ {0,3}-+\s*$/.test(line) && this.paragraph.length > 0) this.underlined(2);
    else if (RULE.test(line)) this.endParagraph();
    else if (ITEM.test(line)) this.add("item", inlineText(ITEM.exec(line)![1]!));
    else if (/^\s*\|.*\|\s*$/.test(line)) this.row(line);
    else if (/^\s*\[[^\]]{1,200}\]:\s*\S/.test(line))
      this.endParagraph(); // a link's target
    else if (/^\s+\S/.test(line) && this.paragraph.length === 0 && this.blocks.at(-1)?.kind === "item")
      this.continueItem(line);
    else this.paragraph.push(line.replace(/^\s*(?:>\s?)+/, ""));
  }

  private row(line: string): void {
    if (TABLE_RULE.test(line)) return;
    const cells = line.trim().slice(1, -1).split("|");
    this.add(
      "item",
      cells
        .map(inlineText)
        .filter((cell) => cell !== "")
        .join(", "),
    );
  }

  private continueItem(line: string): void {
    const item = this.blocks.pop()!;
    this.blocks.push({ ...item, text: `${item.text} ${inlineText(line)}` });
  }

  private underlined(level: number): void {
    const text = inlineText(this.paragraph.join(" "));
    this.paragraph = [];
    this.add("heading", text, level);
  }

  private code(index: number, fence: string): number {
    this.endParagraph();
    const closing = new RegExp(`^ {0,3}${fence[0]!}{${fence.length},}\\s*$`);
    let until = index + 1;
    while (until < this.lines.length && !closing.test(this.lines[until]!)) until++;
    const text = this.lines
      .slice(index + 1, until)
      .join("\n")
      .trimEnd();
    if (text.trim() !== "") this.blocks.push({ kind: "code", level: 0, text });
    return until;
  }

  private add(kind: TextBlock["kind"], text: string, level = 0): void {
    this.endParagraph();
    if (text !== "") this.blocks.push({ kind, level, text });
  }

  private endParagraph(): void {
    const text = inlineText(this.paragraph.join(" "));
    this.paragraph = [];
    if (text !== "") this.blocks.push({ kind: "paragraph", level: 0, text });
  }
}

/** YAML between --- lines at the very start describes the file and is no text of it. */
function withoutFrontMatter(lines: readonly string[]): readonly string[] {
  if (lines[0]?.trim() !== "---") return lines;
  const end = lines.findIndex((line, index) => index > 0 && /^(?:---|\.\.\.)\s*$/.test(line));
  const isYaml = end > 0 && lines.slice(1, end).every((line) => /^(?:\s|#|-|[\w.-]+\s*:|$)/.test(line));
  return isYaml ? lines.slice(end + 1) : lines;
}
