// Source code parted by its definitions: functions, classes and their methods, each with the comments above it. There is
// no grammar here, only braces, indents and the words that open a definition; what is not recognised stays together as
// code of the file, and no line is ever lost.
import { bracedHead, indentedHead, type DefinitionHead } from "./source-definitions.ts";
import type { SourceLanguage } from "./source-languages.ts";
import { masked } from "./source-mask.ts";
import { statementsOf } from "./source-statements.ts";
import type { TextBlock } from "./structure.ts";

/** A stretch of the file: a definition with its members, or code outside of any. */
interface Part {
  readonly name?: string; // of a definition
  readonly code: string; // its own lines, its members' left out
  readonly members: readonly Part[];
}

const DEEPEST = 5;
const REST_OF_LINE = /[;,) \t]*(?:\n|(?![^]))/y;

/** Blocks of a program: under a heading with its qualified name every definition, other code under the file's name. */
export function readSourceCode(
  text: string,
  file: string,
  language: SourceLanguage | undefined,
): TextBlock[] {
  const parts = language === undefined ? [{ code: text, members: [] }] : partsOf(text, language);
  const bare = file.split(/[\\/]/).at(-1)!;
  return blocksOf(parts, bare);
}

function partsOf(text: string, language: SourceLanguage): Part[] {
  const unix = text.replace(/\r\n?/g, "\n");
  const reader = new DefinitionReader(unix, language);
  if (language.shape === "statements") return reader.sql();
  return language.shape === "braces"
    ? reader.braced(0, unix.length, false, 0)
    : reader.indented(0, unix.length, 0);
}

function blocksOf(parts: readonly Part[], file: string): TextBlock[] {
  const blocks: TextBlock[] = [];
  const add = (part: Part, path: string, level: number): void => {
    const name = part.name === undefined ? undefined : path === "" ? part.name : `${path}.${part.name}`;
    if (name !== undefined) blocks.push({ kind: "heading", level, text: name });
    else if (part.code.trim() !== "" && blocks.length > 0)
      blocks.push({ kind: "heading", level, text: file });
    const code = tidied(part.code);
    if (code !== "") blocks.push({ kind: "code", level: 0, text: code });
    for (const member of part.members) add(member, name ?? path, Math.min(6, level + 1));
  };
  for (const part of merged(parts)) add(part, "", 1);
  return blocks;
}

/** Without blank lines at its ends or more than one in a row, and without the indent that all its lines share. */
function tidied(code: string): string {
  const lines = code
    .replace(/^(?:[ \t]*\n)+/, "")
    .trimEnd()
    .split("\n");
  const indents = lines.filter((line) => line.trim() !== "").map((line) => /^[ \t]*/.exec(line)![0].length);
  const shared = indents.reduce((least, indent) => Math.min(least, indent), Infinity);
  const kept = lines.filter((line, index) => line.trim() !== "" || lines[index - 1]?.trim() !== "");
  return kept.map((line) => line.slice(shared)).join("\n");
}

/** Code outside of definitions, put together where nothing but it stands in between. */
function merged(parts: readonly Part[]): Part[] {
  const result: Part[] = [];
  for (const part of parts) {
    const before = result.at(-1);
    if (part.name === undefined && part.code.trim() === "") continue;
    if (before && part.name === undefined && before.name === undefined)
      result[result.length - 1] = { code: before.code + part.code, members: [] };
    else result.push(part);
  }
  return result;
}

class DefinitionReader {
  private readonly text: string;
  private readonly bare: string; // the same length, comments and texts blanked out
  private readonly language: SourceLanguage;

  constructor(text: string, language: SourceLanguage) {
    this.text = text;
    this.bare = masked(text, language);
    this.language = language;
  }

  /** Definitions between two offsets of a language with braces. */
  braced(from: number, to: number, inside: boolean, depth: number): Part[] {
    const parts: Part[] = [];
    let done = from;
    for (const { start, open, close, end } of statementsOf(this.bare, from, to)) {
      const found = bracedHead(this.bare.slice(start, open), this.language, inside);
      if (!found) continue;
      const begin = Math.max(done, this.withComments(start + found.at, done));
      if (begin > done) parts.push({ code: this.text.slice(done, begin), members: [] });
      const last = this.restOfLine(end, to);
      parts.push(this.bracedPart(found, { begin, open, close, end: last }, depth));
      done = last;
    }
    if (done < to) parts.push({ code: this.text.slice(done, to), members: [] });
    return parts;
  }

  private bracedPart(
    found: DefinitionHead,
    at: { begin: number; open: number; close: number; end: number },
    depth: number,
  ): Part {
    const whole = { name: found.name, code: this.text.slice(at.begin, at.end), members: [] };
    if (!found.container || depth >= DEEPEST) return whole;
    const inner = this.braced(at.open + 1, at.close, true, depth + 1);
    const own = inner.filter((part) => part.name === undefined).map((part) => part.code);
    const code = this.text.slice(at.begin, at.open + 1) + own.join("") + this.text.slice(at.close, at.end);
    return { name: found.name, code, members: inner.filter((part) => part.name !== undefined) };
  }

  /** Definitions between two offsets of a language of indents, or of indents and an end word. */
  indented(from: number, to: number, depth: number): Part[] {
    const parts: Part[] = [];
    let done = from;
    for (let at = from; at < to;) {
      const end = lineEnd(this.bare, at, to);
      const found = indentedHead(this.bare.slice(at, end), this.language);
      const last = found ? this.bodyEnd(at, to) : end;
      if (found) {
        const begin = Math.max(done, this.withComments(at, done));
        if (begin > done) parts.push({ code: this.text.slice(done, begin), members: [] });
        parts.push(this.indentedPart(found, begin, at, last, depth));
        done = last;
      }
      at = last;
    }
    if (done < to) parts.push({ code: this.text.slice(done, to), members: [] });
    return parts;
  }

  private indentedPart(found: DefinitionHead, begin: number, at: number, end: number, depth: number): Part {
    if (!found.container || depth >= DEEPEST) {
      return { name: found.name, code: this.text.slice(begin, end), members: [] };
    }
    const body = lineEnd(this.bare, at, end);
    const inner = this.indented(body, end, depth + 1);
    const own = inner.filter((part) => part.name === undefined).map((part) => part.code);
    const members = inner.filter((part) => part.name !== undefined);
    return { name: found.name, code: this.text.slice(begin, body) + own.join(""), members };
  }

  /** After the last line that stands deeper than the one at `start`; an end word of the same depth belongs to it. */
  private bodyEnd(start: number, to: number): number {
    const own = indentOf(this.bare, start);
    let end = lineEnd(this.bare, start, to);
    let open = openBrackets(this.bare.slice(start, end));
    for (let at = end; at < to;) {
      const next = lineEnd(this.bare, at, to);
      const line = this.bare.slice(at, next);
      const blank = this.text.slice(at, next).trim() === "";
      const commentOnly = line.trim() === "" && !blank;
      const deeper = indentOf(this.text, at) > own;
      const closes = this.language.shape === "end" && /^\s*end\b/.test(line);
      if (!blank && !deeper && open <= 0 && !(commentOnly && this.insideText(at))) return closes ? next : end;
      if (!blank) end = next;
      open += openBrackets(line);
      at = next;
    }
    return end;
  }

  /** Whether a line without code is the middle of a text over several lines: its first character was blanked out. */
  private insideText(at: number): boolean {
    return this.language.name === "Python" && !/^\s*#/.test(this.text.slice(at, at + 200));
  }

  /** SQL: one part for every CREATE, the statements between them together. */
  sql(): Part[] {
    const parts: Part[] = [];
    for (let at = 0; at < this.bare.length;) {
      const stop = this.bare.indexOf(";", at);
      const end = this.restOfLine(stop < 0 ? this.bare.length : stop + 1, this.bare.length);
      const name =
        /^\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:(?:TEMP|TEMPORARY|UNIQUE|MATERIALIZED|GLOBAL|UNLOGGED)\s+)*(?:TABLE|VIEW|FUNCTION|PROCEDURE|TRIGGER|INDEX|TYPE|SCHEMA|SEQUENCE)\s+(?:CONCURRENTLY\s+)?(?:IF\s+NOT\s+EXISTS\s+)?((?:[\w."`]|\[[^\]]{0,80}\]){1,200})/i.exec(
          this.bare.slice(at, end),
        )?.[1];
      const code = this.text.slice(at, end);
      parts.push(
        name === undefined
          ? { code, members: [] }
          : { name: name.replace(/["`[\]]/g, ""), code, members: [] },
      );
      at = end;
    }
    return parts;
  }

  /** The start of a definition moved up over the comments, attributes and decorators directly above it. */
  private withComments(start: number, floor: number): number {
    const own = this.text.slice(floor, start).lastIndexOf("\n"); // a minified file is one line: never look past the floor
    let at = own < 0 ? floor : floor + own + 1;
    while (at > floor) {
      const before = this.text.lastIndexOf("\n", at - 2) + 1;
      const line = this.text.slice(before, at - 1);
      const isComment = line.trim() !== "" && this.bare.slice(before, at - 1).trim() === "";
      if (before < floor || !(isComment || this.belongsBelow(line))) break;
      at = before;
    }
    return Math.max(floor, at);
  }

  /** A decorator, an attribute, a template's parameters, or in C the type of what the next line names. */
  private belongsBelow(line: string): boolean {
    if (/^\s*(?:@[\w.]|template\s*<|#!?\[|\[\w+[^=]*\]\s*$)/.test(line)) return true;
    return /^C(?:\+\+)?$/.test(this.language.name) && /^[\w:<>*& ]*[\w>*&]$/.test(line);
  }

  /** After the line break, where nothing but a comment or a separator follows. */
  private restOfLine(at: number, to: number): number {
    REST_OF_LINE.lastIndex = at;
    return REST_OF_LINE.test(this.bare) ? Math.min(to, REST_OF_LINE.lastIndex) : at;
  }
}

function lineEnd(text: string, at: number, to: number): number {
  const next = text.indexOf("\n", at);
  return next < 0 || next >= to ? to : next + 1;
}

function indentOf(text: string, at: number): number {
  let width = 0;
  for (; text[at] === " " || text[at] === "\t"; at++) width += text[at] === "\t" ? 8 - (width % 8) : 1;
  return width;
}

function openBrackets(line: string): number {
  return (line.match(/[([{]/g)?.length ?? 0) - (line.match(/[)\]}]/g)?.length ?? 0);
}
