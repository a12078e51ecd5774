import { RetuneError } from "../../../engine/errors.ts";
import { askedWithin } from "../asked.ts";
import type { LabAnswer, LabMeasure, LabTask } from "../lab-task.ts";
import { callText } from "./call-form.ts";
import {
  judgeAbstention,
  judgeCalls,
  judgeObject,
  type FieldComparison,
  type Judgement,
} from "./call-judgement.ts";
import { readCallRows, type CallExample } from "./call-rows.ts";
import { callTurns, holdOf, learntConversations, type CallTurn, type Gold } from "./call-turns.ts";
import { spacedJson, type SchemaFault } from "./json-schema.ts";
import { saidCalls, saidJson } from "./said-calls.ts";

const MAX_NEW_TOKENS = 256;

const MEASURES: readonly LabMeasure[] = [
  measure(
    "argumentExact",
    "Arguments exact",
    "Share of answers whose functions and arguments are all right.",
  ),
  measure(
    "argumentF1",
    "Arguments, field by field",
    "How many of the fields said are right, and of the right ones said.",
  ),
  measure(
    "functionName",
    "Function",
    "Share of calls that name the right functions, whatever the arguments.",
  ),
  measure(
    "parseRate",
    "Can be read",
    "Share of answers that are JSON which a program can read, where JSON is due.",
  ),
  measure(
    "schemaValid",
    "Fits its schema",
    "Share of answers with the fields and types that their schema asks for.",
  ),
  measure(
    "abstention",
    "Calls nothing",
    "Share of requests that need no function and are answered in words.",
  ),
];

function measure(key: string, label: string, meaning: string): LabMeasure {
  return { key, label, meaning, better: "higher", unit: "share" };
}

/** What `LabAnswer.detail` holds: each answer of a row. */
export interface CallDetail {
  readonly turns: readonly {
    readonly said: string; // in the functions' own words
    readonly right: string;
    readonly faults: readonly SchemaFault[]; // by path
    readonly fields: readonly FieldComparison[];
  }[];
}

/**
 * Calls of functions and answers that fit a schema. A row's figures are means over its answers, each asked with the right talk
 * before it. `constrained` holds calls to the schemas of the functions offered; words are left free where some row is
 * answered in words.
 */
export const functionCalling: LabTask<CallExample> = {
  id: "function-calling",
  measures: MEASURES,
  maxNewTokens: MAX_NEW_TOKENS,
  read: readCallRows,
  conversations: learntConversations,
  async examine(model, examples, { maxNewTokens, constrained }, control) {
    const hold = constrained ? holdOf(examples) : "free";
    const turns = examples.map((example) => callTurns(example, model, hold));
    const questions = turns.flat().map(({ question }) => question);
    const answers = await askedWithin(
      model,
      questions,
      { maxTokens: maxNewTokens ?? MAX_NEW_TOKENS },
      control,
    );
    if (control?.signal?.aborted)
      throw new RetuneError("cancelled", "function calling: cancelled while judging");
    let next = 0;
    return examples.map((example, place) => {
      const said = turns[place]!.map((turn) => turn.own?.original(answers[next++]!) ?? answers[next++]!);
      return judged(example, turns[place]!, said);
    });
  },
};

function judged(example: CallExample, turns: readonly CallTurn[], said: readonly string[]): LabAnswer {
  const judgements = turns.map((turn, at) => judgement(example, turn, said[at]!));
  const detail: CallDetail = {
    turns: judgements.map(({ faults, fields }, at) => ({
      said: said[at]!,
      right: rightText(turns[at]!.gold),
      faults,
      fields,
    })),
  };
  const measures = meansOf(judgements);
  return { id: example.id, text: said.join("\n\n"), measures, detail: { ...detail } };
}

function judgement({ functions, object }: CallExample, { gold, form }: CallTurn, text: string): Judgement {
  if (gold.kind === "object") return judgeObject(saidJson(text), gold.value, object!);
  const names = functions.map(({ name }) => name);
  const said = saidCalls(text, form, names);
  return gold.kind === "words" ? judgeAbstention(said) : judgeCalls(said, gold.calls, functions);
}

function rightText(gold: Gold): string {
  if (gold.kind === "words") return gold.text;
  return gold.kind === "object" ? spacedJson(gold.value) : gold.calls.map(callText).join("\n");
}

/** Means over the answers that have a measure. */
function meansOf(judgements: readonly Judgement[]): Record<string, number> {
  const means: Record<string, number> = {};
  for (const { key } of MEASURES) {
    const values = judgements.flatMap(({ measures }) => measures[key] ?? []);
    if (values.length > 0) means[key] = values.reduce((sum, value) => sum + value, 0) / values.length;
  }
  return means;
}
