// SQL held to the names of one schema, in xgrammar's EBNF (llm.md §7.2): what a model may write is one SELECT over tables and
// columns that exist. Grammar answers for the form of a query, not for its meaning.
import { RetuneError } from "../../../engine/errors.ts";
import { isSign, isWord, quotedName, sqlStatements, type SqlToken } from "./sql-tokens.ts";

/** Rules that hold for every schema; `table`, `name` and `literal` are added. */
const RULES = [
  `root ::= query`,
  `s ::= " "?`,
  `query ::= select (" " ("UNION ALL" | "UNION" | "INTERSECT" | "EXCEPT") " " select)* order? limit?`,
  `select ::= "SELECT " "DISTINCT "? item (s "," s item)* " FROM " source where? group?`,
  `item ::= "*" | expression (" AS " alias)?`,
  `expression ::= term (s [-+*/] s term)*`,
  `term ::= aggregate | column | literal`,
  `aggregate ::= ("COUNT" | "SUM" | "AVG" | "MIN" | "MAX") s "(" s ("*" | "DISTINCT "? expression) s ")"`,
  `column ::= ((alias | table) ".")? name`,
  `alias ::= [Tt] [1-9]`,
  `source ::= place join*`,
  `place ::= table (" AS " alias)?`,
  `join ::= s "," s place | (" LEFT" | " INNER")? " JOIN " place " ON " column s "=" s column`,
  `where ::= " WHERE " condition`,
  `group ::= " GROUP BY " column (s "," s column)* (" HAVING " condition)?`,
  `order ::= " ORDER BY " expression direction? (s "," s expression direction?)*`,
  `direction ::= " ASC" | " DESC"`,
  `limit ::= " LIMIT " count (" OFFSET " count)?`,
  `condition ::= test ((" AND " | " OR ") test)*`,
  `test ::= "(" s condition s ")" | expression s comparison s value | expression other`,
  `comparison ::= "=" | "!=" | "<>" | "<=" | ">=" | "<" | ">"`,
  `value ::= expression | "(" s query s ")"`,
  `other ::= " NOT"? (" LIKE " text | " IN " list | " BETWEEN " expression " AND " expression) | " IS" " NOT"? " NULL"`,
  `list ::= "(" s (query | literal (s "," s literal)*) s ")"`,
  `text ::= "'" ([^'\\n] | "''")* "'" | "\\"" [^"\\n]* "\\""`,
  `number ::= "-"? [0-9]+ ("." [0-9]+)?`,
];

/**
 * The grammar of one context. `literals` are further words that may stand where a literal does: the placeholders of a question.
 * Throws E_FIELD where the context makes no table.
 */
export function sqlGrammar(context: string, literals: readonly string[] = []): string {
  const tables = sqlStatements(context).map(namesOfTable);
  const columns = new Set(tables.flatMap((table) => table.columns));
  if (columns.size === 0)
    throw new RetuneError("E_FIELD", "SQL grammar: the context makes no table with columns");
  return [
    ...RULES,
    `count ::= ${["[0-9]+", ...literals.filter((word) => word.startsWith("x")).map(quoted)].join(" | ")}`,
    `literal ::= ${["text", "number", ...literals.map(quoted)].join(" | ")}`,
    `table ::= ${[...new Set(tables.map(({ name }) => name))].map(written).join(" | ")}`,
    `name ::= ${[...columns].map(written).join(" | ")}`,
  ].join("\n");
}

interface TableNames {
  readonly name: string;
  readonly columns: readonly string[];
}

const CONSTRAINTS = ["primary", "foreign", "unique", "constraint", "check"];

/** CREATE TABLE name (column …, column …, FOREIGN KEY …). */
function namesOfTable(tokens: readonly SqlToken[]): TableNames {
  const opens = tokens.findIndex((token) => isSign(token, "("));
  const columns: string[] = [];
  let depth = 0;
  for (const [at, token] of tokens.entries()) {
    const starts = at === opens + 1 || (depth === 1 && isSign(tokens[at - 1], ","));
    if (isSign(token, "(")) depth++;
    if (isSign(token, ")")) depth--;
    if (opens >= 0 && at > opens && starts && depth === 1 && !isWord(token, ...CONSTRAINTS))
      columns.push(nameOf(token));
  }
  const name = tokens[opens - 1];
  return { name: name ? nameOf(name) : "", columns };
}

function nameOf({ kind, text, value }: SqlToken): string {
  return kind === "quoted" ? value : text;
}

/** A name as a query writes it: in quotes where it needs them. */
function written(name: string): string {
  return quoted(/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name) ? name : quotedName(name));
}

function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, (sign) => `\\${sign}`)}"`;
}
