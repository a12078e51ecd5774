import { isSign, isWord, sqlTokens, type SqlToken } from "./sql-tokens.ts";

/** What a query needs beyond picking columns: figures are told for each family by itself. */
export const CLAUSE_FAMILIES = ["agg", "where", "group", "order", "join"] as const;
export type ClauseFamily = (typeof CLAUSE_FAMILIES)[number];

export const AGGREGATES: readonly string[] = ["count", "sum", "avg", "min", "max", "total", "group_concat"];
const AFTER_FROM = ["where", "group", "order", "limit", "having", "union", "intersect", "except", "window"];

/** Families that a query belongs to; a plain selection belongs to none. Throws E_FIELD as sqlTokens does. */
export function clauseFamilies(sql: string): ClauseFamily[] {
  const tokens = sqlTokens(sql);
  const has: Readonly<Record<ClauseFamily, boolean>> = {
    agg: tokens.some((token, at) => isWord(token, ...AGGREGATES) && isSign(tokens[at + 1], "(")),
    where: tokens.some((token) => isWord(token, "where")),
    group: tokens.some((token, at) => isWord(token, "group") && isWord(tokens[at + 1], "by")),
    order: tokens.some((token, at) => isWord(token, "order") && isWord(tokens[at + 1], "by")),
    join: tokens.some((token) => isWord(token, "join")) || namesSeveralTables(tokens),
  };
  return CLAUSE_FAMILIES.filter((family) => has[family]);
}

/** Whether the outermost query is ordered: then the order of its rows counts. */
export function isOrdered(sql: string): boolean {
  let depth = 0;
  const tokens = sqlTokens(sql);
  for (const [at, token] of tokens.entries()) {
    if (isSign(token, "(")) depth++;
    if (isSign(token, ")")) depth--;
    if (depth === 0 && isWord(token, "order") && isWord(tokens[at + 1], "by")) return true;
  }
  return false;
}

/** A comma in a list of tables: FROM a, b. */
function namesSeveralTables(tokens: readonly SqlToken[]): boolean {
  let [depth, from] = [0, -1];
  for (const token of tokens) {
    if (isSign(token, "(")) depth++;
    if (isSign(token, ")") && --depth < from) from = -1;
    if (isWord(token, "from")) from = depth;
    else if (from === depth && isWord(token, ...AFTER_FROM)) from = -1;
    else if (from === depth && isSign(token, ",")) return true;
  }
  return false;
}
