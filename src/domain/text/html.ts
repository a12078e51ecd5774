// Text of a web page without a DOM, so it runs in workers and Node and can fetch or run nothing. A single pass over
// the characters finds tags, comments and raw-text elements; there is no tree, so depth costs nothing.
import { decodeEntities } from "./entities.ts";
import { squeezed, type TextBlock } from "./structure.ts";

/** Elements whose content is not text of the page. */
const DROPPED = new Set([
  "script",
  "style",
  "noscript",
  "template",
  "svg",
  "math",
  "iframe",
  "object",
  "canvas",
  "audio",
  "video",
  "select",
  "head",
  "nav",
  "button",
  "textarea",
]);
/** Of those, the ones in which "<" is not a tag until their own closing tag. */
const RAW = new Set(["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"]);
/** Elements that never have a closing tag. */
const VOID = new Set([
  "area",
  "base",
  "br",
  "col",
  "embed",
  "hr",
  "img",
  "input",
  "link",
  "meta",
  "source",
  "track",
  "wbr",
]);
const INLINE = new Set([
  "a",
  "abbr",
  "b",
  "bdi",
  "bdo",
  "cite",
  "code",
  "data",
  "del",
  "dfn",
  "em",
  "font",
  "i",
  "ins",
  "kbd",
  "label",
  "mark",
  "q",
  "s",
  "samp",
  "small",
  "span",
  "strong",
  "sub",
  "sup",
  "time",
  "tt",
  "u",
  "var",
  "wbr",
  "img",
]);

export interface HtmlText {
  readonly title?: string;
  readonly blocks: readonly TextBlock[];
}

/** Headings, paragraphs, list items, table rows and preformatted text of a page; scripts, styles and menus are dropped. */
export function readHtml(html: string): HtmlText {
  return new HtmlReader(html).read();
}

class HtmlReader {
  private at = 0;
  private readonly html: string;
  private readonly blocks: TextBlock[] = [];
  private open: { kind: TextBlock["kind"]; level: number } = { kind: "paragraph", level: 0 };
  private words = "";
  private title: string | undefined;
  private dropping: { name: string; depth: number } | undefined;
  private cell: { from: number } | undefined; // the open cell of a table, and where in the words it begins

  constructor(html: string) {
    this.html = html;
  }

  read(): HtmlText {
    while (this.at < this.html.length) {
      const next = this.html.indexOf("<", this.at);
      this.text(next < 0 ? this.html.length : next);
      if (next >= 0) this.markup();
    }
    this.endBlock();
    return this.title === undefined ? { blocks: this.blocks } : { title: this.title, blocks: this.blocks };
  }

  private text(until: number): void {
    if (!this.dropping && until > this.at) this.words += decodeEntities(this.html.slice(this.at, until));
    this.at = until;
  }

  /** At "<": a comment, a declaration, a tag, or a plain less-than sign. */
  private markup(): void {
    const { html, at } = this;
    if (html.startsWith("<!--", at)) this.skipPast("-->", at + 4);
    else if (html.startsWith("<![CDATA[", at)) this.skipPast("]]>", at + 9);
    else if (/[!?]/.test(html[at + 1] ?? "")) this.skipPast(">", at + 1);
    else if (/^<\/?[a-zA-Z]/.test(html.slice(at, at + 3))) this.tag();
    else {
      if (!this.dropping) this.words += "<";
      this.at++;
    }
  }

  private skipPast(mark: string, from: number): void {
    const end = this.html.indexOf(mark, from);
    this.at = end < 0 ? this.html.length : end + mark.length;
  }

  private tag(): void {
    const closing = this.html[this.at + 1] === "/";
    const start = this.at + (closing ? 2 : 1);
    let end = start;
    while (end < this.html.length && /[a-zA-Z0-9:-]/.test(this.html[end]!)) end++;
    const name = this.html.slice(start, end).toLowerCase();
    this.at = this.tagEnd(end);
    const selfClosing = this.html[this.at - 2] === "/" || VOID.has(name);
    if (this.dropping) this.countDropped(name, closing, selfClosing);
    else if (closing) this.closeTag(name);
    else this.openTag(name, selfClosing);
    if (!closing && RAW.has(name) && !selfClosing) this.rawText(name);
  }

  /** Index after the ">" of a tag, quotes respected. */
  private tagEnd(from: number): number {
    let quote = "";
    for (let at = from; at < this.html.length; at++) {
      const character = this.html[at]!;
      if (quote !== "") quote = character === quote ? "" : quote;
      else if (character === ">") return at + 1;
      else if ((character === '"' || character === "'") && /[=\s]/.test(this.html[at - 1]!))
        quote = character;
    }
    return this.html.length;
  }

  private countDropped(name: string, closing: boolean, selfClosing: boolean): void {
    const dropping = this.dropping!;
    if (dropping.name === "head" && name === "body")
      this.dropping = undefined; // a page that forgot </head>
    else if (name === dropping.name && !selfClosing) dropping.depth += closing ? -1 : 1;
    if (dropping.depth === 0) this.dropping = undefined;
  }

  /** The content of script, style, title …: everything up to its own closing tag. */
  private rawText(name: string): void {
    const rest = new RegExp(`</${name}[\\s/>]`, "gi");
    rest.lastIndex = this.at;
    const end = rest.exec(this.html)?.index ?? this.html.length;
    if (name === "title" && this.title === undefined) {
      const title = squeezed(decodeEntities(this.html.slice(this.at, end)));
      if (title !== "") this.title = title;
    }
    this.at = end;
  }

  private openTag(name: string, selfClosing: boolean): void {
    if (DROPPED.has(name)) {
      this.endBlock();
      if (!selfClosing) this.dropping = { name, depth: 1 };
    } else if (name === "br") this.words += this.open.kind === "code" ? "\n" : " ";
    else if (!INLINE.has(name)) this.startBlock(name);
  }

  private startBlock(name: string): void {
    if (name === "td" || name === "th") {
      if (this.words.trim() !== "") this.words = `${this.words.trimEnd()}, `;
      this.cell = { from: this.words.length };
      return;
    }
    if (this.isFirstInCell(name)) return;
    const inside = this.open.kind === "item" && (name === "p" || name === "div") && this.words.trim() === "";
    if (inside) return;
    this.endBlock();
    const heading = /^h([1-6])$/.exec(name);
    if (heading) this.open = { kind: "heading", level: Number(heading[1]) };
    else if (["li", "tr", "dt", "dd"].includes(name)) this.open = { kind: "item", level: 0 };
    else if (name === "pre") this.open = { kind: "code", level: 0 };
  }

  /** The first paragraph of a cell stays in its row; a cell with more of them is a layout, not a table. */
  private isFirstInCell(name: string): boolean {
    if (!this.cell || (name !== "p" && name !== "div")) return false;
    return this.words.slice(this.cell.from).trim() === "";
  }

  private closeTag(name: string): void {
    if (name === "td" || name === "th") this.cell = undefined;
    else if (this.cell && (name === "p" || name === "div")) this.words += " ";
    else if (!INLINE.has(name)) this.endBlock();
  }

  private endBlock(): void {
    const text = this.open.kind === "code" ? this.words.replace(/^\n|\s+$/g, "") : squeezed(this.words);
    if (text.trim() !== "") this.blocks.push({ ...this.open, text });
    this.words = "";
    this.cell = undefined;
    this.open = { kind: "paragraph", level: 0 };
  }
}
