// One step of an agent as text, and a whole trace as the sections it is made of:
//   Thought: …                      Thought: …
//   Action: name                    Answer: …
//   Action Input: {JSON object}
//   Observation: …
import { jsonWords } from "./json-words.ts";
import { parseJson, type JsonObject } from "../../formats/json.ts";

export interface ActionStep {
  readonly kind: "action";
  readonly thought: string; // may be empty
  readonly action: string; // a tool's name
  readonly input: JsonObject;
}

export interface AnswerStep {
  readonly kind: "answer";
  readonly thought: string;
  readonly answer: string;
}

export type ReactStep = ActionStep | AnswerStep;

type Label = "Tools" | "Question" | "Thought" | "Action" | "Action Input" | "Observation" | "Answer";

export interface Section {
  readonly label: Label;
  readonly text: string; // trimmed
  readonly line: number; // of its label within the text, from 1
}

const LABEL = /^[ \t]*(Tools|Question|Thought|Action Input|Action|Observation|Answer):/gm;

/** The sections of a text, in order; what stands before the first label is left out. */
export function sectionsOf(text: string): Section[] {
  const found = [...text.matchAll(LABEL)];
  let [line, counted] = [1, 0];
  return found.map((match, index) => {
    const at = match.index;
    line += text.slice(counted, at).split("\n").length - 1;
    counted = at;
    const end = found[index + 1]?.index ?? text.length;
    return { label: match[1] as Label, text: text.slice(at + match[0].length, end).trim(), line };
  });
}

/** What a model said as a step; undefined where it keeps to neither form, or its input is no JSON object. */
export function parsedStep(text: string): ReactStep | undefined {
  const sections = sectionsOf(text);
  const own = sections[0]?.label === "Thought" ? sections.slice(1) : sections;
  const thought = own.length < sections.length ? sections[0]!.text : "";
  const [first, second, ...more] = own;
  if (first?.label === "Answer" && first.text !== "")
    return { kind: "answer", thought, answer: answerText(own) };
  if (first?.label !== "Action" || second?.label !== "Action Input" || more.length > 0) return undefined;
  const input = objectOf(second.text);
  return input && first.text !== "" ? { kind: "action", thought, action: first.text, input } : undefined;
}

/** An answer goes on to the end, whatever its lines begin with. */
export function answerText([first, ...more]: readonly Section[]): string {
  return [first!.text, ...more.map(({ label, text }) => `${label}: ${text}`)].join("\n");
}

function objectOf(text: string): JsonObject | undefined {
  try {
    const { root } = parseJson(text);
    return root.kind === "object" ? root : undefined;
  } catch {
    return undefined; // the step is badly formed, which its caller counts
  }
}

/** A step as it is taught: valid JSON, one line an entry. */
export function stepText(step: ReactStep): string {
  const thought = step.thought === "" ? "" : `Thought: ${step.thought}\n`;
  if (step.kind === "answer") return `${thought}Answer: ${step.answer}`;
  return `${thought}Action: ${step.action}\nAction Input: ${jsonWords(step.input)}`;
}

export function observationText(observation: string): string {
  return `Observation: ${observation}`;
}
