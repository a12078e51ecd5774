// Questions and what should answer them, in two forms:
//   one set of choices for all  the router's data (formats/router-data.ts): JSON {"choices", "examples"}, JSON Lines with choices
//                               ("description") above examples ("text"), LlamaIndex's dataset of a router
//   choices of each row         JSON Lines {"question", "choices": [text or {"name"?, "description"}], "answer": the number
//                               from 1, a choice's text or name, or null for none of these, "instruction"?, "group"?, "id"?}
// "instruction" stands in the place of ours ("" for none). An example with several right choices is taught the first of them
// and is right with any. Where a file has an example without a right choice, all its questions may be answered "none of these".
import { RetuneError } from "../../../engine/errors.ts";
import { comparable } from "../../data/leaks.ts";
import { clusterOf, rightChoices, type RouterDataset } from "../../data/router-dataset.ts";
import type { JsonRow } from "../../formats/datasets/json-rows.ts";
import type { JsonNode } from "../../formats/json.ts";
import { readRouterData } from "../../formats/router-data.ts";
import { decodeText } from "../../text/decode.ts";
import type { LabExample, LabNote, LabRead } from "../lab-task.ts";
import { idOf, optionalText, readLabRows, textOf, textOrEmpty, type LabReadOptions } from "../lab-rows.ts";

/** A choice as the model reads it. */
export interface NumberedChoice {
  readonly name: string;
  readonly description: string; // may be empty: then the name says all
}

export interface SelectExample extends LabExample {
  readonly question: string;
  readonly choices: readonly NumberedChoice[]; // numbered from 1 in this order
  readonly right: readonly number[]; // places from 0; empty: none of these
  readonly noneOffered: boolean; // "none of these" is one more choice, the last
  readonly instruction?: string;
}

const QUESTION = ["question", "query"];
const KNOWN = [...QUESTION, "choices", "answer", "instruction", "group", "id"];
const MOST_CHOICES = 99;

/** Errors name file and line: those of readRouterData and readLabRows. */
export function readSelectRows(
  file: string,
  bytes: Uint8Array,
  options: LabReadOptions = {},
): LabRead<SelectExample> {
  const { text } = decodeText(bytes, file);
  const ownChoices = /"(?:question|query)"\s*:/.test(text.slice(0, text.indexOf("\n") + 1 || text.length));
  const read = ownChoices
    ? readLabRows(file, bytes, KNOWN, selectExample, options)
    : routerRows(file, text, options.skipBadRows ?? false);
  const noneOffered = read.examples.some(({ right }) => right.length === 0);
  return noneOffered ? { ...read, examples: read.examples.map((each) => ({ ...each, noneOffered })) } : read;
}

function selectExample(row: JsonRow): SelectExample {
  const question = textOf(row, QUESTION);
  const choices = row.items("choices").map((node) => choiceOf(node, row));
  if (choices.length < 2 || choices.length > MOST_CHOICES)
    throw row.error("E_FIELD", `${choices.length} choices; from 2 to ${MOST_CHOICES} can be numbered`);
  const instruction = textOrEmpty(row, "instruction");
  return {
    ...{ id: idOf(row), line: row.line, group: optionalText(row, ["group"]) ?? comparable(question) },
    ...{ question, choices, right: rightOf(row, choices), noneOffered: false },
    ...(instruction === undefined ? {} : { instruction }),
  };
}

function choiceOf(node: JsonNode, row: JsonRow): NumberedChoice {
  if (node.kind === "string" && node.value.trim() !== "") return { name: node.value, description: "" };
  const entries = node.kind === "object" ? node.entries : new Map<string, JsonNode>();
  const [name, description] = ["name", "description"].map((key) => {
    const own = entries.get(key);
    return own?.kind === "string" ? own.value.trim() : "";
  });
  if (name !== "" || description !== "") return { name: name!, description: description! };
  throw row.error("E_FIELD", 'a choice must be a text, or an object with a "description"');
}

/** A number counts from 1 as the prompt does. */
function rightOf(row: JsonRow, choices: readonly NumberedChoice[]): readonly number[] {
  const node = row.entries.get("answer");
  if (node === undefined) throw row.error("E_FIELD", '"answer" is missing; write null for none of these');
  if (node.kind === "null") return [];
  const written = node.kind === "string" ? node.value.trim() : "";
  const named = choices.findIndex(({ name, description }) => written === name || written === description);
  if (written !== "" && named >= 0) return [named];
  const number = node.kind === "number" ? node.value : Number(written || "NaN");
  if (Number.isInteger(number) && number >= 1 && number <= choices.length) return [number - 1];
  throw row.error(
    "E_REFERENCE",
    `the answer is none of the ${choices.length} choices, nor a number from 1 to it`,
  );
}

function routerRows(file: string, text: string, skipBadRows: boolean): LabRead<SelectExample> {
  const { dataset, notes } = routerDataset(file, text, skipBadRows);
  const { choices, examples } = dataset;
  if (choices.length < 2 || choices.length > MOST_CHOICES) {
    const what = `${choices.length} choices; from 2 to ${MOST_CHOICES} can be numbered`;
    throw new RetuneError("E_FIELD", `${file}: ${what}`, { file });
  }
  const right = rightChoices(dataset);
  const lines = linesOf(text, examples);
  return {
    examples: examples.map((example, place) => ({
      ...{ id: example.id, line: lines[place]!, group: clusterOf(example) },
      ...{ question: example.text, choices, right: right[place]!, noneOffered: false },
    })),
    notes,
  };
}

/** A bad line of JSON Lines is read as an empty one; the other forms are one document and stand or fall together. */
function routerDataset(
  file: string,
  text: string,
  skipBadRows: boolean,
): { readonly dataset: RouterDataset; readonly notes: readonly LabNote[] } {
  const lines = text.split("\n");
  const notes: LabNote[] = [];
  for (;;) {
    try {
      const { dataset, warnings } = readRouterData([{ name: file, content: lines.join("\n") }]);
      const told = warnings.map(({ message }) => ({ line: 1, reason: message, skipped: false }));
      return { dataset, notes: [...notes, ...told] };
    } catch (error) {
      const line = error instanceof RetuneError ? error.place.line : undefined;
      const own = line === undefined ? "" : lines[line - 1]!.trim();
      if (!skipBadRows || !own.startsWith("{") || !own.endsWith("}")) throw error;
      notes.push({ line: line!, reason: (error as RetuneError).message, skipped: true });
      lines[line! - 1] = "";
    }
  }
}

/** The line of each example: where its text stands in quotes, after that of the example before it. */
function linesOf(text: string, examples: RouterDataset["examples"]): number[] {
  const lines = text.split("\n");
  let from = 0;
  return examples.map((example) => {
    const quoted = JSON.stringify(example.text);
    const found = lines.findIndex((line, index) => index >= from && line.includes(quoted));
    if (found >= 0) from = found;
    return from + 1;
  });
}
