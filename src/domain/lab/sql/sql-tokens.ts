import { RetuneError } from "../../../engine/errors.ts";

export type SqlTokenKind =
  | "word" // a keyword or a bare name
  | "quoted" // a name in double quotes, back ticks or brackets; in double quotes it may be meant as a text
  | "text" // in single quotes
  | "number"
  | "sign"; // an operator, a bracket, a comma, a semicolon

export interface SqlToken {
  readonly kind: SqlTokenKind;
  readonly text: string; // as written
  readonly value: string; // what it says: words in lower case, quotes taken off
}

const TOKEN = new RegExp(
  [
    String.raw`(?<space>\s+|--[^\n]*|/\*[\s\S]*?(?:\*/|$))`,
    String.raw`(?<text>[xX]?'(?:[^']|'')*')`,
    '(?<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\\[[^\\]]*\\])',
    String.raw`(?<odd>(?!0[xX][0-9a-fA-F]+\b|\d+[eE]\d+\b)\d+[\p{L}_][\p{L}\p{N}_$]*)`,
    String.raw`(?<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)`,
    String.raw`(?<word>[\p{L}_][\p{L}\p{N}_$]*)`,
    String.raw`(?<sign>\|\||<>|<=|>=|==|!=|<<|>>|->>|->|[^\s])`,
  ].join("|"),
  "uy",
);

/** Tokens of SQL as SQLite reads it, without comments. Throws E_FIELD where a quote never closes. */
export function sqlTokens(sql: string): SqlToken[] {
  const tokens: SqlToken[] = [];
  for (const { groups } of sql.matchAll(new RegExp(TOKEN, "guy"))) {
    const [found, text] = Object.entries(groups!).find(([, own]) => own !== undefined) as [string, string];
    if (found === "space") continue;
    const kind = found === "odd" ? "word" : (found as SqlTokenKind);
    if (kind === "sign" && /^['"`[]/.test(text)) {
      const what = `a quote that never closes: ${JSON.stringify(sql.slice(sql.lastIndexOf(text), sql.length).slice(0, 40))}`;
      throw new RetuneError("E_FIELD", `SQL: ${what}`);
    }
    tokens.push({ kind, text, value: valueOf(kind, text) });
  }
  return tokens;
}

function valueOf(kind: SqlTokenKind, text: string): string {
  if (kind === "word") return text.toLowerCase();
  if (kind === "text") return text.slice(text.indexOf("'") + 1, -1).replaceAll("''", "'");
  if (kind !== "quoted") return text;
  const [quote, inner] = [text[0]!, text.slice(1, -1)];
  return quote === "[" ? inner : inner.replaceAll(quote + quote, quote);
}

/** Whether a token is one of some keywords (in lower case). */
export function isWord(token: SqlToken | undefined, ...words: readonly string[]): boolean {
  return token?.kind === "word" && words.includes(token.value);
}

export function isSign(token: SqlToken | undefined, ...signs: readonly string[]): boolean {
  return token?.kind === "sign" && signs.includes(token.text);
}

/** A name in the quotes of standard SQL. */
export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * A statement as SQLite reads it: names that begin with a digit (2nd_leg), which much of the data that people have holds bare,
 * stand in quotes.
 */
export function withQuotedNames(tokens: readonly SqlToken[]): string {
  return tokens
    .map(({ kind, text }) => (kind === "word" && /^\d/.test(text) ? quotedName(text) : text))
    .join(" ");
}

/** Statements of a text, without their semicolons and without empty ones. */
export function sqlStatements(sql: string): SqlToken[][] {
  const statements: SqlToken[][] = [[]];
  for (const token of sqlTokens(sql)) {
    if (isSign(token, ";")) statements.push([]);
    else statements.at(-1)!.push(token);
  }
  return statements.filter((tokens) => tokens.length > 0);
}

/**
 * SQL as it is compared: one space between tokens, letters in lower case outside quotes, both kinds of quotes as single ones,
 * no semicolon at the end. SQL that cannot be taken apart stays as it is, trimmed.
 */
export function normalisedSql(sql: string): string {
  try {
    const tokens = sqlTokens(sql);
    while (isSign(tokens.at(-1), ";")) tokens.pop();
    return tokens.map(normalisedToken).join(" ");
  } catch (error) {
    if (error instanceof RetuneError) return sql.trim();
    throw error;
  }
}

function normalisedToken({ kind, text, value }: SqlToken): string {
  const isText = kind === "text" || (kind === "quoted" && text.startsWith('"'));
  if (isText) return `'${value.replaceAll("'", "''")}'`;
  return kind === "quoted" ? value : text.toLowerCase();
}
