import { RetuneError } from "../../../engine/errors.ts";
import type { Conversation } from "../../chat/template-messages.ts";
import { GrammarCheck } from "../../generate/grammar-check.ts";
import { askedWithin, type Question } from "../asked.ts";
import { spacedJson, type SchemaFault } from "../calls/json-schema.ts";
import { saidJson } from "../calls/said-calls.ts";
import type { LabAnswer, LabMeasure, LabTask, ModelForm } from "../lab-task.ts";
import { editSimilarity, normalisedCode, tokenF1 } from "./code-likeness.ts";
import { readCodeRows, type CodeExample, type CodeForm } from "./code-rows.ts";

const MAX_NEW_TOKENS = 256;
const SYSTEM = "Write the code for the request, and nothing else.";

const MEASURES: readonly LabMeasure[] = [
  measure("exactMatch", "Exact match", "Share of answers that are the right code, white space aside."),
  measure(
    "validity",
    "Valid",
    "Share of answers that the grammar or schema of the language allows, where one is given.",
  ),
  measure(
    "tokenF1",
    "Words in common",
    "How many of the words and signs said are right, and of the right ones said.",
  ),
  measure(
    "editSimilarity",
    "Likeness",
    "How little has to be typed to make the answer the right code; 1 is nothing.",
  ),
];

function measure(key: string, label: string, meaning: string): LabMeasure {
  return { key, label, meaning, better: "higher", unit: "share" };
}

/** What `LabAnswer.detail` holds. */
export interface CodeDetail {
  readonly said: string; // the code of the answer
  readonly right: string;
  readonly faults: readonly SchemaFault[]; // by path, where a schema or grammar is given
}

/** Texts to code. `form` is what all code must be, where rows say nothing of their own; `constrained` holds answers to it. */
export function codeTask(form?: CodeForm): LabTask<CodeExample> {
  return {
    id: "code",
    measures: MEASURES,
    maxNewTokens: MAX_NEW_TOKENS,
    read: readCodeRows,
    conversations: (example, model) => {
      const { messages } = promptOf(example, model);
      return [{ messages: [...messages, { role: "assistant", content: example.code }] }];
    },
    async examine(model, examples, { maxNewTokens, constrained }, control) {
      const questions = examples.map((example): Question => {
        const own = constrained ? (example.form ?? form) : undefined;
        return { prompt: promptOf(example, model), ...(own ? { constraint: constraintOf(own) } : {}) };
      });
      const answers = await askedWithin(
        model,
        questions,
        { maxTokens: maxNewTokens ?? MAX_NEW_TOKENS },
        control,
      );
      const validator = new Validator();
      try {
        const judged: LabAnswer[] = [];
        for (const [place, example] of examples.entries()) {
          if (control?.signal?.aborted) throw new RetuneError("cancelled", "code: cancelled while judging");
          judged.push(await judgedAnswer(example, answers[place]!, example.form ?? form, validator));
        }
        return judged;
      } finally {
        validator.dispose();
      }
    },
  };
}

function promptOf({ text }: CodeExample, { placeholders = false }: ModelForm = {}): Conversation {
  const user = { role: "user", content: text } as const;
  return { messages: placeholders ? [user] : [{ role: "system", content: SYSTEM }, user] };
}

function constraintOf(form: CodeForm): NonNullable<Question["constraint"]> {
  if (form.kind === "grammar") return form;
  return { kind: "json-schema", schema: JSON.stringify(form.schema.schema) };
}

/** The code of an answer: what stands in its first fence, else all of it. */
export function codeOf(answer: string): string {
  const fenced = /```[\w+#-]*[ \t]*\n([\s\S]*?)(?:\n?```|$)/.exec(answer)?.[1];
  return (fenced ?? answer).replace(/^\s*\n|\s+$/g, "");
}

async function judgedAnswer(
  { id, code }: CodeExample,
  text: string,
  form: CodeForm | undefined,
  validator: Validator,
): Promise<LabAnswer> {
  const said = codeOf(text);
  const faults = form ? await validator.faults(said, form) : [];
  const isExact =
    form?.kind === "schema" ? sameJson(said, code) : normalisedCode(said) === normalisedCode(code);
  const measures = {
    exactMatch: isExact ? 1 : 0,
    ...(form ? { validity: faults.length === 0 ? 1 : 0 } : {}),
    tokenF1: tokenF1(said, code),
    editSimilarity: editSimilarity(said, code),
  };
  const detail: CodeDetail = { said, right: code, faults };
  return { id, text, measures, detail: { ...detail } };
}

function sameJson(said: string, right: string): boolean {
  const [first, second] = [saidJson(said), saidJson(right)];
  return "value" in first && "value" in second && spacedJson(first.value) === spacedJson(second.value);
}

/** Grammars are compiled once. */
class Validator {
  readonly #checks = new Map<string, Promise<GrammarCheck>>();

  async faults(code: string, form: CodeForm): Promise<readonly SchemaFault[]> {
    if (form.kind === "schema") {
      const said = saidJson(code);
      return "reason" in said ? [{ path: "", reason: said.reason }] : form.schema.faults(said.value);
    }
    const check = this.#checks.get(form.grammar) ?? GrammarCheck.open(form.grammar);
    this.#checks.set(form.grammar, check);
    return (await (await check).accepts(code)) ? [] : [{ path: "", reason: "the grammar does not allow it" }];
  }

  dispose(): void {
    for (const check of this.#checks.values())
      void check.then(
        (open) => open.dispose(),
        () => undefined,
      );
  }
}
