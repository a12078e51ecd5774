// Texts with their code, in any language. A row that holds nothing but a "grammar" (EBNF) or a "schema" says what is valid in all.
import { RetuneError } from "../../../engine/errors.ts";
import type { JsonRow } from "../../formats/datasets/json-rows.ts";
import { plainJson } from "../../formats/json.ts";
import { isObject, JsonSchema, type PlainJson } from "../calls/json-schema.ts";
import { idOf, keyOf, optionalText, readLabRows, textOf, type LabReadOptions } from "../lab-rows.ts";
import type { LabExample, LabRead } from "../lab-task.ts";
import { normalisedCode } from "./code-likeness.ts";

/** What code must be: of a grammar in xgrammar's EBNF whose start rule is "root", or JSON of a schema. */
export type CodeForm =
  | { readonly kind: "grammar"; readonly grammar: string }
  | { readonly kind: "schema"; readonly schema: JsonSchema };

export interface CodeExample extends LabExample {
  readonly text: string;
  readonly code: string;
  readonly form?: CodeForm;
}

const TEXT = ["text", "prompt", "input", "instruction", "question"];
const CODE = ["code", "output", "answer", "completion", "response"];
const FORM = ["grammar", "schema"];
const KNOWN = [...TEXT, ...CODE, ...FORM, "id", "group"];

/**
 * Rows of a file; rows of equal code are one group, unless they name one. Errors by line: E_FIELD (a part is missing, a schema
 * that cannot be used), and those of readLabRows.
 */
export function readCodeRows(
  file: string,
  bytes: Uint8Array,
  options?: LabReadOptions,
): LabRead<CodeExample> {
  let shared: CodeForm | undefined;
  const read = readLabRows(
    file,
    bytes,
    KNOWN,
    (row) => {
      const own = formOf(row);
      if (own && keyOf(row, [...TEXT, ...CODE]) === undefined) {
        shared = own;
        return undefined;
      }
      return codeExample(row, own);
    },
    options,
  );
  const { examples, notes } = read;
  return shared ? { examples: examples.map((own) => ({ form: shared!, ...own })), notes } : read;
}

function codeExample(row: JsonRow, form: CodeForm | undefined): CodeExample {
  const [text, code] = [textOf(row, TEXT), textOf(row, CODE)];
  const group = optionalText(row, ["group"]) ?? normalisedCode(code);
  return { id: idOf(row), line: row.line, group, text, code, ...(form ? { form } : {}) };
}

function formOf(row: JsonRow): CodeForm | undefined {
  const grammar = optionalText(row, ["grammar"]);
  if (grammar !== undefined) return { kind: "grammar", grammar };
  if (!row.has("schema")) return undefined;
  const schema = plainJson(row.entries.get("schema")!) as PlainJson;
  if (!isObject(schema)) throw row.error("E_FIELD", '"schema" must be a JSON schema in braces');
  try {
    return { kind: "schema", schema: new JsonSchema(schema) };
  } catch (error) {
    if (error instanceof RetuneError) throw row.error("E_FIELD", error.message);
    throw error;
  }
}
