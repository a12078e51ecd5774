import type { LabComparison, LabFigure } from "../../src/domain/lab/compare.ts";
import { figuresOf } from "../../src/domain/lab/compare.ts";
import type { LabAnswer, LabExample, LabTask, ModelForm } from "../../src/domain/lab/lab-task.ts";
import type { Conversation } from "../../src/domain/chat/template-messages.ts";

/** What models said to the same rows, by arm: "base", "tuned", and both under a constraint where that was asked for. */
export type LabArms = Readonly<Record<string, readonly LabAnswer[]>>;

/** base, tuned and delta of run.json, by the keys of measures. */
export function comparisonRecord({ figures, rows, groups, verdict }: LabComparison): object {
  const by = <T>(value: (figure: LabFigure) => T): Record<string, T> =>
    Object.fromEntries(figures.map((figure) => [figure.key, value(figure)]));
  return {
    base: by(({ base }) => base),
    tuned: by(({ tuned }) => tuned),
    delta: by(({ delta }) => delta),
    verdicts: by(({ verdict: own }) => own),
    mcnemar: by(({ mcnemar }) => mcnemar),
    ...{ verdict, judged: { rows, groups } },
  };
}

/** Every arm's figures, for reports with more than two. */
export function armsRecord(task: Pick<LabTask, "id" | "measures">, arms: LabArms): object {
  return Object.fromEntries(Object.entries(arms).map(([arm, answers]) => [arm, figuresOf(task, answers)]));
}

/** answers.jsonl: one line a row, with what was asked and what every arm said. */
export function answerLines(
  task: LabTask,
  examples: readonly LabExample[],
  arms: LabArms,
  form: ModelForm,
): string {
  return examples
    .map((example, row) => {
      const { id, line, group } = example;
      const conversation = task.conversations(example, form)[0];
      const answers = Object.fromEntries(
        Object.entries(arms).map(([arm, own]) => {
          const { text, measures, detail } = own[row]!;
          return [arm, { text, measures, ...(detail ? { detail } : {}) }];
        }),
      );
      return `${JSON.stringify({ id, line, group, ...askedOf(conversation), answers })}\n`;
    })
    .join("");
}

function askedOf(conversation: Conversation | undefined): { prompt?: string; wanted?: string } {
  if (!conversation) return {};
  const { messages } = conversation;
  const last = messages.at(-1);
  const prompt = messages.slice(0, -1).map(({ role, content = "" }) => `${role}: ${content}`);
  return { prompt: prompt.join("\n\n"), wanted: last?.content ?? JSON.stringify(last?.calls ?? []) };
}

/** A table for stdout. */
export function comparisonTable({ figures, verdict }: LabComparison): string {
  const width = Math.max(8, ...figures.map(({ key }) => key.length));
  const number = (value: number): string => value.toFixed(4).padStart(9);
  const head = `${"".padEnd(width)}      base     tuned     delta  95 % interval`;
  const lines = figures.map(({ key, base, tuned, delta }) => {
    const interval = `[${delta.low.toFixed(4)}, ${delta.high.toFixed(4)}], p ${delta.p.toFixed(4)}`;
    return `${key.padEnd(width)} ${number(base)} ${number(tuned)} ${number(delta.value)}  ${interval}`;
  });
  const first = figures[0];
  const end = first ? [`${first.key}: ${verdict}`] : [];
  return [head, ...lines, ...end].map((line) => `${line}\n`).join("");
}
