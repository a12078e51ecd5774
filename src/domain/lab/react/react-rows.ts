// Traces of agents:
//   JSON Lines  {"question", "trace": "Thought: …\nAction: …\nAction Input: {…}\nObservation: …\nThought: …\nAnswer: …"}
//   chat        {"messages": [system?, user, assistant (a step), user ("Observation: …"), assistant, …]} as LlamaIndex logs one
//               line a call: calls that go on in another line are one trace
//   text        "Question: …" and the sections of a trace below, again and again; "Tools: [JSON list]" may stand at the top
// with "tools"? (tools.ts; a line of JSON Lines with "tools" and no trace gives them to all lines below), "answers"? (texts that
// count as right beside the trace's own), "instruction"? (the system message in the place of ours, "" for none), "group"?, "id"?.
// Rows without "group" are groups by their tools where rows have different ones of their own, else by their question.
// An Action Input written by Python (single quotes) is repaired and noted. What a row needs to be played again in the sandbox: an
// answer, and for every tool either a "sandbox" or, in the trace, the observation of each call.
import type { RetuneError } from "../../../engine/errors.ts";
import { comparable } from "../../data/leaks.ts";
import { readChat } from "../../formats/datasets/chat-reader.ts";
import { JsonRow } from "../../formats/datasets/json-rows.ts";
import { rowError } from "../../formats/datasets/row-report.ts";
import { parseJson } from "../../formats/json.ts";
import { decodeText } from "../../text/decode.ts";
import {
  examplesOf,
  idOf,
  keyOf,
  optionalText,
  readLabRows,
  textOf,
  textOrEmpty,
  type LabReadOptions,
  type NoteOfRow,
} from "../lab-rows.ts";
import type { LabExample, LabNote, LabRead } from "../lab-task.ts";
import { chatTrace, type ChatTrace } from "./chat-trace.ts";
import { mergedTraces } from "./merged-traces.ts";
import type { ReactExample } from "./react-example.ts";
import { systemMessage } from "./react-prompt.ts";
import { observedAtOnce } from "./sandbox.ts";
import { sectionsOf } from "./steps.ts";
import { textTraces } from "./text-traces.ts";
import { namedTool, readTools, toolsInText, type ReactTool } from "./tools.ts";
import { traceOf, type RowRefusal } from "./trace.ts";

export interface ReactReadOptions extends LabReadOptions {
  readonly tools?: readonly ReactTool[]; // of a file of their own (readToolFile)
}

const KNOWN = ["question", "trace", "messages", "tools", "answers", "answer", "instruction", "group", "id"];

/** A row as it is read, before the other rows say what tools there are. */
interface ReadTrace extends LabExample, Omit<ChatTrace, "repaired"> {
  readonly tools: readonly ReactTool[]; // none: all that the file calls
  readonly ownTools: string; // by which rows are groups; "" without tools of its own
  readonly given: boolean; // the group
  readonly answers: readonly string[];
}

/** The tools of a JSON file: a list, or {"tools": […]}. Throws E_FIELD, and those of parseJson. */
export function readToolFile(file: string, bytes: Uint8Array): ReactTool[] {
  const { root } = parseJson(decodeText(bytes, file).text, file);
  const list = root.kind === "object" ? root.entries.get("tools") : root;
  const refuse = (what: string): RetuneError => rowError("E_FIELD", file, 1, what);
  if (list?.kind !== "array") throw refuse('expected a list of tools, or {"tools": […]}');
  return readTools(list.items, refuse);
}

/** Errors name file and line: E_FIELD, E_JSON (an input that cannot be repaired), E_REFERENCE (an unknown tool), readLabRows'. */
export function readReactRows(
  file: string,
  bytes: Uint8Array,
  { tools = [], ...options }: ReactReadOptions = {},
): LabRead<ReactExample> {
  const { text } = decodeText(bytes, file);
  const reader = new ReactReader(tools);
  const read = (row: JsonRow, note: NoteOfRow): ReadTrace | undefined => reader.read(row, note);
  const isText = !/^\s*[{[]/.test(text) && /^[ \t]*Question:/m.test(text);
  const found = isText
    ? examplesOf(file, () => textTraces(file, text), read, options)
    : readLabRows(file, bytes, KNOWN, read, options);
  const { traces, notes } = mergedTraces(found.examples);
  const examples = finished(traces);
  const all = [...found.notes, ...notes, ...examples.flatMap(sandboxNotes)];
  return { examples, notes: all.sort((a, b) => a.line - b.line) };
}

class ReactReader {
  #shared: readonly ReactTool[];

  constructor(tools: readonly ReactTool[]) {
    this.#shared = tools;
  }

  read(row: JsonRow, note: NoteOfRow): ReadTrace | undefined {
    const own = readTools(row.items("tools"), (what) => row.error("E_FIELD", what));
    if (!row.has("messages") && keyOf(row, ["trace", "question"]) === undefined) {
      if (own.length === 0) throw row.error("E_FIELD", '"trace" and "messages" are both missing');
      this.#shared = [...this.#shared.filter(({ name }) => own.every((tool) => tool.name !== name)), ...own];
      return undefined;
    }
    const { repaired, ...trace } = partsOf(row);
    if (repaired > 0) note(row, `${repaired} inputs were no JSON (single quotes); they are written as JSON`);
    const known = own.length > 0 ? own : this.#shared;
    const tools = known.length > 0 ? known : toolsInText(trace.system ?? "");
    requireKnown(trace, tools, row);
    const group = optionalText(row, ["group"]);
    const answer = optionalText(row, ["answer"]);
    const answers = [...row.texts("answers"), ...(answer === undefined ? [] : [answer])];
    return {
      ...{
        id: idOf(row),
        line: row.line,
        group: group ?? comparable(trace.question),
        given: group !== undefined,
      },
      ...{ ...trace, tools, answers, ownTools: own.map(({ definition }) => definition).join("\n") },
    };
  }
}

function partsOf(row: JsonRow): ChatTrace {
  const refuse: RowRefusal = (code, what) => row.error(code, what);
  const instruction = textOrEmpty(row, "instruction");
  if (!row.has("messages")) {
    const trace = traceOf(sectionsOf(textOf(row, ["trace"])), refuse);
    return { question: textOf(row, ["question"]).trim(), system: instruction, ...trace };
  }
  const messages = row.entries.get("messages")!;
  const { messages: talk } = readChat(new JsonRow(new Map([["messages", messages]]), row.file, row.line));
  const trace = chatTrace(talk, refuse);
  return instruction === undefined ? trace : { ...trace, system: instruction };
}

function requireKnown({ steps }: Pick<ChatTrace, "steps">, tools: readonly ReactTool[], row: JsonRow): void {
  if (tools.length === 0) return;
  for (const [place, step] of steps.entries()) {
    if (step.kind === "answer" || tools.some(({ name }) => name === step.action)) continue;
    const names = tools.map(({ name }) => name).join(", ");
    throw row.error(
      "E_REFERENCE",
      `step ${place + 1} calls ${JSON.stringify(step.action)}; the tools are ${names}`,
    );
  }
}

/** Tools that nobody defined are those that the file calls; groups and answers are filled in. */
function finished(traces: readonly ReadTrace[]): ReactExample[] {
  const called = new Set(
    traces.flatMap(({ steps, tools }) =>
      tools.length > 0 ? [] : steps.flatMap((step) => (step.kind === "action" ? [step.action] : [])),
    ),
  );
  const named = [...called].map(namedTool);
  const byTools = new Set(traces.map(({ ownTools }) => ownTools)).size > 1;
  return traces.map(({ given, ownTools, group, system, ...trace }) => {
    const tools = trace.tools.length > 0 ? trace.tools : named;
    const last = trace.steps.at(-1)!;
    const answers = [...new Set([...(last.kind === "answer" ? [last.answer] : []), ...trace.answers])];
    return {
      ...trace,
      ...{ tools, answers, system: system ?? systemMessage(tools) },
      group: given || !byTools || ownTools === "" ? group : ownTools,
    };
  });
}

/** What keeps a row from being played as it is written. */
function sandboxNotes(example: ReactExample): LabNote[] {
  const note = (reason: string): LabNote => ({ line: example.line, reason, skipped: false });
  const notes = example.answers.length > 0 ? [] : [note("no answer: steps are judged, success is not")];
  for (const [place, step] of example.steps.entries()) {
    const observation = example.observations[place];
    if (step.kind === "answer" || observation === undefined) continue;
    const now = observedAtOnce(example, step);
    if (now === undefined || comparable(now) === comparable(observation)) continue;
    const what = `step ${place + 1} observed ${JSON.stringify(observation.slice(0, 60))}`;
    notes.push(note(`${what}, the sandbox says ${JSON.stringify(now.slice(0, 60))}; the sandbox counts`));
  }
  return notes;
}
