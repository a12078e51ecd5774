// Comments and texts of a program blanked out, so that braces, keywords and indents can be counted in what is left.
import type { SourceLanguage } from "./source-languages.ts";

const LINE = "\\/\\/[^\\n]*";
const BLOCK = "\\/\\*[^]*?(?:\\*\\/|(?![^]))";
const HASH = "#[^\\n]*";
const DASHES = "--[^\\n]*";
const DOUBLE = '"(?:\\\\[^]|[^"\\\\\\n])*"?';
const SINGLE = "'(?:\\\\[^]|[^'\\\\\\n])*'?";
const CHARACTER = "'(?:\\\\[^'\\n]{1,10}|[^\\\\'\\n])'"; // where ' also stands alone: lifetimes, digit groups
const BACKTICK = "`(?:\\\\[^]|[^`\\\\])*`";
const TRIPLE = '"""[^]*?(?:"""|(?![^]))';
const TRIPLE_SINGLE = "'''[^]*?(?:'''|(?![^]))";
const SQL_TEXT = "'(?:''|[^'])*'?";
const DOLLARS = "\\$([A-Za-z_]*)\\$[^]*?(?:\\$\\1\\$|(?![^]))";
const PATTERN =
  "(?<=(?:[=>(,:[!&|?{};]|\\breturn)\\s{0,40})\\/(?![*\\/])(?:\\\\.|\\[(?:\\\\.|[^\\]\\\\\\n])*\\]|[^\\/\\\\\\n[])+\\/[a-z]*";
const RAW_CPP = 'R"([^(\\s]{0,16})\\([^]*?(?:\\)\\1"|(?![^]))';
const RAW_RUST = 'r(#{0,8})"[^]*?(?:"\\1|(?![^]))';

const C_LIKE = [LINE, BLOCK, DOUBLE, SINGLE];
const KINDS: Readonly<Record<string, readonly string[]>> = {
  TypeScript: [LINE, BLOCK, DOUBLE, SINGLE, BACKTICK, PATTERN],
  JavaScript: [LINE, BLOCK, DOUBLE, SINGLE, BACKTICK, PATTERN],
  Python: [TRIPLE, TRIPLE_SINGLE, HASH, DOUBLE, SINGLE],
  Ruby: [HASH, DOUBLE, SINGLE],
  Lua: [DASHES, DOUBLE, SINGLE],
  Shell: ["(?<=^|\\s)#[^\\n]*", '"(?:\\\\[^]|[^"\\\\])*"?', "'[^']*'?"],
  SQL: [DASHES, BLOCK, SQL_TEXT, DOLLARS],
  Rust: [LINE, BLOCK, RAW_RUST, DOUBLE, CHARACTER],
  "C++": [LINE, BLOCK, RAW_CPP, DOUBLE, CHARACTER],
  C: [LINE, BLOCK, DOUBLE, CHARACTER],
  Go: [...C_LIKE, BACKTICK],
  Java: [TRIPLE, ...C_LIKE],
  Kotlin: [TRIPLE, ...C_LIKE],
  Swift: [TRIPLE, LINE, BLOCK, DOUBLE],
  Scala: [TRIPLE, LINE, BLOCK, DOUBLE, CHARACTER],
  PHP: [LINE, BLOCK, "#(?!\\[)[^\\n]*", DOUBLE, SINGLE],
};

/** The text with the same length and lines, spaces for what is in comments and texts. */
export function masked(text: string, language: SourceLanguage): string {
  const pattern = new RegExp((KINDS[language.name] ?? C_LIKE).join("|"), "gm");
  return text.replace(pattern, (found) => found.replace(/[^\n]/g, " "));
}
