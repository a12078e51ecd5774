import { RetuneError } from "../../../engine/errors.ts";
import type { JsonRow } from "../../formats/datasets/json-rows.ts";
import type { LabExample, LabRead } from "../lab-task.ts";
import { idOf, optionalText, readLabRows, textOf, type LabReadOptions } from "../lab-rows.ts";
import { isWord, normalisedSql, sqlStatements } from "./sql-tokens.ts";

/** A question about tables with the query that answers it. */
export interface SqlExample extends LabExample {
  readonly question: string;
  readonly context: string; // CREATE TABLE statements
  readonly answer: string; // the gold query
}

/** What people call the three: sql-create-context, the guide's {"input", "context", "output"}, Spider's "query" and "schema". */
const QUESTION = ["question", "input"];
const CONTEXT = ["context", "schema"];
const ANSWER = ["answer", "output", "query", "sql"];
const KNOWN = [...QUESTION, ...CONTEXT, ...ANSWER, "id", "group"];

/**
 * Rows of a file; their group is their schema, unless they name one. Errors by line: E_FIELD (a part is missing; the context
 * makes no table; the answer is not one SELECT), and those of readLabRows.
 */
export function readSqlRows(file: string, bytes: Uint8Array, options?: LabReadOptions): LabRead<SqlExample> {
  return readLabRows(file, bytes, KNOWN, sqlExample, options);
}

function sqlExample(row: JsonRow): SqlExample {
  const [question, context, answer] = [textOf(row, QUESTION), textOf(row, CONTEXT), textOf(row, ANSWER)];
  checked(row, "context", () => sqlStatements(context).every(([first]) => isWord(first, "create")), {
    wanted: "must hold CREATE TABLE statements only",
  });
  checked(
    row,
    "answer",
    () => {
      const statements = sqlStatements(answer);
      return statements.length === 1 && isWord(statements[0]![0], "select", "with");
    },
    { wanted: "must be one statement that begins with SELECT or WITH" },
  );
  const group = optionalText(row, ["group"]) ?? normalisedSql(context);
  return { id: idOf(row), line: row.line, group, question, context, answer };
}

function checked(
  row: JsonRow,
  part: string,
  holds: () => boolean,
  { wanted }: { readonly wanted: string },
): void {
  try {
    if (holds()) return;
  } catch (error) {
    if (!(error instanceof RetuneError)) throw error;
    throw row.error("E_FIELD", `the ${part} has ${error.message.replace(/^SQL: /, "")}`);
  }
  throw row.error("E_FIELD", `the ${part} ${wanted}`);
}
