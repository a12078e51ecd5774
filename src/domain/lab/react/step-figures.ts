import { comparable } from "../../data/leaks.ts";
import { canonicalJson } from "./json-words.ts";
import { parsedStep, type ActionStep, type ReactStep } from "./steps.ts";

/** Shares of a trace's steps; a figure without a step that it is about is left out. */
export interface StepFigures {
  readonly formatValid: number;
  readonly exactStep: number; // the same call, or the same answer; thoughts are free
  readonly toolAccuracy?: number; // of calls
  readonly argumentAccuracy?: number; // of calls, with the right tool
}

/** `texts` are a model's words in the place of each step. */
export function stepFigures(steps: readonly ReactStep[], texts: readonly string[]): StepFigures {
  const said = texts.map(parsedStep);
  const calls = steps.flatMap((step, place) => (step.kind === "action" ? [{ step, said: said[place] }] : []));
  return {
    formatValid: share(said.map((step) => step !== undefined)),
    exactStep: share(steps.map((step, place) => sameStep(step, said[place]))),
    ...(calls.length === 0
      ? {}
      : {
          toolAccuracy: share(calls.map(({ step, said: own }) => sameTool(step, own))),
          argumentAccuracy: share(calls.map(({ step, said: own }) => sameCall(step, own))),
        }),
  };
}

function share(hits: readonly boolean[]): number {
  return hits.filter(Boolean).length / hits.length;
}

function sameStep(step: ReactStep, said: ReactStep | undefined): boolean {
  if (step.kind === "action") return sameCall(step, said);
  return said?.kind === "answer" && sameAnswer(said.answer, step.answer);
}

function sameTool(step: ActionStep, said: ReactStep | undefined): boolean {
  return said?.kind === "action" && said.action === step.action;
}

/** The same tool with the same arguments: order of keys aside. */
function sameCall(step: ActionStep, said: ReactStep | undefined): boolean {
  if (said?.kind !== "action" || said.action !== step.action) return false;
  return canonicalJson(said.input, trimmed) === canonicalJson(step.input, trimmed);
}

function trimmed(text: string): string {
  return text.trim();
}

/** Numbers by value, other texts without case, space, quotes, a full stop at the end and articles at the beginning. */
export function sameAnswer(said: string, right: string): boolean {
  const [own, wanted] = [plainAnswer(said), plainAnswer(right)];
  return own === wanted || (isNumber(own) && isNumber(wanted) && Number(own) === Number(wanted));
}

function plainAnswer(text: string): string {
  return comparable(text)
    .replace(/^["'“”‘’]+|["'“”‘’]+$/g, "")
    .replace(/\.$/, "")
    .replace(/^(?:the|a|an) /, "")
    .replace(/(?<=\d),(?=\d{3}(?!\d))/g, "");
}

function isNumber(text: string): boolean {
  return /^-?\d+(?:\.\d+)?$/.test(text);
}
