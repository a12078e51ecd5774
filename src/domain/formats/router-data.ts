// What a router learns from, in the forms people have it:
//   JSON        {"choices": [{"id", "name", "description"}], "examples": [{"id", "text", "choices": [id]}]}
//   JSON        LlamaIndex's EmbeddingQAFinetuneDataset: the corpus are the descriptions
//   JSON Lines  a line with "description" is a choice, a line with "text" an example
//   CSV         a table with the column description holds choices, one with the column text examples; several right
//               choices are separated by "|", an empty field means "none of these"
// Several files are read as one (choices.csv beside examples.csv). An absent name is the id; an absent example id is made.
import { RetuneError, type ErrorCode } from "../../engine/errors.ts";
import { opening, placeIn, type ImportWarning } from "../data/import-report.ts";
import { comparable } from "../data/leaks.ts";
import {
  routerFromDataset,
  type RouterChoice,
  type RouterDataset,
  type RouterExample,
} from "../data/router-dataset.ts";
import { decodeText } from "../text/decode.ts";
import { readCsv } from "./csv.ts";
import { parseJson, type JsonDocument, type JsonNode, type JsonObject } from "./json.ts";
import { readJsonLines } from "./jsonl.ts";
import { looksLikeLlamaIndexDataset, readLlamaIndexDataset } from "./llamaindex-dataset.ts";

export interface RouterFile {
  readonly name: string;
  readonly content: Uint8Array | string;
}

export interface RouterReading {
  readonly dataset: RouterDataset;
  readonly warnings: readonly ImportWarning[];
}

/** A record with the place it was found at; its values are texts or lists of texts. */
interface Found {
  readonly file: string;
  readonly line: number;
  readonly values: ReadonlyMap<string, string | readonly string[]>;
}

/**
 * All or nothing, with file and line of the first bad row: E_FIELD (a part is missing or of the wrong type), E_DUPLICATE
 * (an id twice), E_REFERENCE (an example of an unknown choice), E_EMPTY (a blank text; no choices; no examples), and the
 * errors of parseJson, readCsv and decodeText. Warnings: duplicate-text.
 */
export function readRouterData(files: readonly RouterFile[]): RouterReading {
  const choices: Found[] = [];
  const examples: Found[] = [];
  for (const { name, content } of files) {
    const text = typeof content === "string" ? content : decodeText(content, name).text;
    const whole = recordsOf(text, name);
    if ("choices" in whole) return { dataset: whole, warnings: [] };
    for (const record of whole) (record.values.has("description") ? choices : examples).push(record);
  }
  const read = choicesOf(choices, files);
  const known = new Set(read.map(({ id }) => id));
  const rows = examplesOf(examples, known, files);
  return { dataset: { choices: read, examples: rows }, warnings: repeats(rows) };
}

function recordsOf(text: string, file: string): RouterDataset | Found[] {
  if (!/^\s*[{[]/.test(text)) return csvRecords(text, file);
  const first = text.slice(0, text.indexOf("\n") + 1).trim();
  if (first.startsWith("{") && first.endsWith("}")) return lineRecords(text, file);
  const document = parseJson(text, file);
  if (looksLikeLlamaIndexDataset(document.root)) {
    return routerFromDataset(readLlamaIndexDataset(text, file).dataset);
  }
  return jsonRecords(document, file);
}

function csvRecords(text: string, file: string): Found[] {
  const { columns, rows } = readCsv(text, file);
  if (!columns.includes("description") && !columns.includes("text")) {
    const what = `neither "description" (choices) nor "text" (examples) is a column; the header has ${columns.join(", ")}`;
    throw failure("E_CSV_COLUMNS", { file, line: 1 }, what);
  }
  return rows.map(({ line, fields }) => {
    const values = new Map<string, string | readonly string[]>(fields);
    const several = fields.get("choices") ?? fields.get("choice");
    if (several !== undefined)
      values.set(
        "choices",
        several
          .split("|")
          .map((id) => id.trim())
          .filter(Boolean),
      );
    return { file, line, values };
  });
}

function lineRecords(text: string, file: string): Found[] {
  return [...readJsonLines(text, file)].map(({ line, row }) => ({
    file,
    line,
    values: valuesOf(row, file, line),
  }));
}

function jsonRecords(document: JsonDocument, file: string): Found[] {
  const { root } = document;
  const lineAt = (node: JsonNode): number => document.placeOf(node.at).line!;
  if (root.kind !== "object")
    throw failure("E_FIELD", { file, line: 1 }, 'expected {"choices": […], "examples": […]}');
  const known = ["choices", "examples"].filter((key) => root.entries.has(key));
  if (known.length === 0) {
    throw failure(
      "E_FIELD",
      { file, line: lineAt(root) },
      'neither "choices" nor "examples" is among its keys',
    );
  }
  return known.flatMap((key) => {
    const list = root.entries.get(key)!;
    if (list.kind !== "array")
      throw failure("E_FIELD", { file, line: lineAt(list) }, `"${key}" must be a list`);
    return list.items.map((item) => {
      const line = lineAt(item);
      if (item.kind !== "object")
        throw failure("E_FIELD", { file, line }, `"${key}" must hold objects in braces`);
      const values = valuesOf(item, file, line);
      const wanted = key === "choices" ? "description" : "text";
      if (!values.has(wanted)) throw failure("E_FIELD", { file, line }, `"${wanted}" is missing`);
      return { file, line, values };
    });
  });
}

/** Texts and lists of texts; "choice": "id" is a list of one. Other members are passed over unless they are ours. */
function valuesOf(row: JsonObject, file: string, line: number): Found["values"] {
  const values = new Map<string, string | readonly string[]>();
  for (const [key, node] of row.entries) {
    if (!["id", "name", "description", "text", "choices", "choice", "group"].includes(key)) continue;
    const several = key === "choices" || key === "choice";
    const items = several && node.kind === "array" ? node.items : [node];
    if (several && node.kind === "null") {
      values.set("choices", []);
      continue;
    }
    const texts = items.map((item) => {
      if (item.kind === "string") return item.value;
      throw failure(
        "E_FIELD",
        { file, line },
        `"${key}" must be ${several ? "a list of ids" : "a text"} in quotes`,
      );
    });
    if (several) values.set("choices", texts);
    else values.set(key, texts[0]!);
  }
  return values;
}

function choicesOf(records: readonly Found[], files: readonly RouterFile[]): RouterChoice[] {
  if (records.length === 0) throw nothing(files, 'no choices: rows with a "description" are needed');
  const seen = new Set<string>();
  return records.map((record) => {
    const id = unique(required(record, "id"), seen, record, "choice");
    const description = textIn(record, "description") ?? "";
    const name = textIn(record, "name")?.trim() ?? "";
    if (description.trim() === "" && name === "")
      throw failure("E_EMPTY", record, `choice "${id}" has no description`);
    return { id, name: name === "" ? id : name, description };
  });
}

function examplesOf(
  records: readonly Found[],
  known: ReadonlySet<string>,
  files: readonly RouterFile[],
): RouterExample[] {
  if (records.length === 0) throw nothing(files, 'no examples: rows with a "text" are needed');
  const given = new Set(records.flatMap((record) => textIn(record, "id") ?? []));
  const seen = new Set<string>();
  let made = 0;
  const nextId = (): string => {
    do made++;
    while (given.has(`e${made}`));
    return `e${made}`;
  };
  return records.map((record) => {
    const text = required(record, "text");
    const id = unique(textIn(record, "id") || nextId(), seen, record, "example");
    const choices = record.values.get("choices");
    if (!Array.isArray(choices))
      throw failure("E_FIELD", record, `"choices" is missing; write [] for "none of these"`);
    const right = [...new Set(choices as readonly string[])];
    const unknown = right.find((choice) => !known.has(choice));
    if (unknown !== undefined)
      throw failure("E_REFERENCE", record, `choice ${JSON.stringify(unknown)} does not exist`);
    const group = textIn(record, "group")?.trim() ?? "";
    const origin = { kind: "imported", detail: record.file } as const;
    return { id, text, choices: right, ...(group === "" ? {} : { group }), origin };
  });
}

function textIn({ values }: Found, key: string): string | undefined {
  const value = values.get(key);
  return typeof value === "string" ? value : undefined;
}

function required(record: Found, key: string): string {
  const value = textIn(record, key);
  if (value === undefined) throw failure("E_FIELD", record, `"${key}" is missing`);
  if (value.trim() === "") throw failure("E_EMPTY", record, `"${key}" is blank`);
  return value;
}

function unique(id: string, seen: Set<string>, record: Found, what: string): string {
  if (seen.has(id))
    throw failure("E_DUPLICATE", record, `the ${what} id ${JSON.stringify(id)} again; ids must be unique`);
  seen.add(id);
  return id;
}

function repeats(examples: readonly RouterExample[]): ImportWarning[] {
  const count = examples.length - new Set(examples.map(({ text }) => comparable(text))).size;
  if (count === 0) return [];
  return [{ code: "duplicate-text", message: `${count} examples repeat the text of another`, count }];
}

function failure(
  code: ErrorCode,
  { file, line }: { readonly file: string; readonly line: number },
  what: string,
): RetuneError {
  return new RetuneError(code, `${opening(file)}line ${line}: ${what}`, placeIn(file, { line }));
}

function nothing(files: readonly RouterFile[], what: string): RetuneError {
  const file = files.map(({ name }) => name).join(", ");
  return new RetuneError("E_EMPTY", opening(file) + what, placeIn(file));
}

/** The JSON form, indented, in the order of the dataset; read again it is the same dataset but for origins. */
export function writeRouterData({ choices, examples }: RouterDataset): string {
  const rows = examples.map(({ id, text, choices: right, group }) => ({
    id,
    text,
    choices: right,
    ...(group === undefined ? {} : { group }),
  }));
  const plain = choices.map(({ id, name, description }) => ({ id, name, description }));
  return `${JSON.stringify({ choices: plain, examples: rows }, null, 2)}\n`;
}
