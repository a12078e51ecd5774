// Texts of a style: the model rewrites plain texts, a classifier of the training rows says how much the result is of the style, and
// what the source says must still be there. Without the second a model that always says the same styled sentence would win.
import { RetuneError } from "../../../engine/errors.ts";
import type { ChatMessage } from "../../formats/datasets/chat.ts";
import type { LanguageModel } from "../../generate/language-model.ts";
import { rowOf } from "../../matrix.ts";
import type { Encoder, RunControl } from "../../ports.ts";
import { answersTo } from "../answered.ts";
import type { LabAnswer, LabMeasure, LabSettings, LabTask } from "../lab-task.ts";
import { retentionOf } from "./retention.ts";
import { StyleClassifier } from "./style-classifier.ts";
import { readStyleRows, type StyleExample } from "./style-rows.ts";

const INSTRUCTION = "Rewrite the text in the style you have learned. Keep everything it says.";
const MAX_NEW_TOKENS = 256;

const MEASURES: readonly LabMeasure[] = [
  {
    key: "styleScore",
    label: "Style",
    meaning:
      "How sure a classifier of the learned texts is that the answer is of the style; 0.5 is undecided.",
    better: "higher",
    unit: "share",
  },
  {
    key: "contentRetention",
    label: "Content kept",
    meaning: "How much of the source's words, numbers and names stands in the answer.",
    better: "higher",
    unit: "share",
  },
  {
    key: "factRecall",
    label: "Facts kept",
    meaning: "How many of the source's numbers and names stand in the answer.",
    better: "higher",
    unit: "share",
  },
];

const SIMILARITY: LabMeasure = {
  key: "similarity",
  label: "Meaning kept",
  meaning: "Cosine between the vectors of source and answer.",
  better: "higher",
  unit: "number",
};

/** The task; with an encoder the meaning of source and answer is compared, too. Ask `judgedBy` for it before `examine`. */
export function styleTaskWith(encoder?: Encoder): LabTask<StyleExample> {
  const task = (classifier?: StyleClassifier): LabTask<StyleExample> => ({
    id: "style",
    measures: encoder ? [...MEASURES, SIMILARITY] : MEASURES,
    maxNewTokens: MAX_NEW_TOKENS,
    read: readStyleRows,
    judgedBy: (training) => task(StyleClassifier.of(training)),
    conversations: (example) => {
      if (example.styled === undefined) return [];
      return [{ messages: [...stylePrompt(example), { role: "assistant", content: example.styled }] }];
    },
    examine: (model, examples, settings, control) =>
      examine({ model, classifier, encoder }, examples, settings, control),
  });
  return task();
}

export const styleTask: LabTask<StyleExample> = styleTaskWith();

/** A styled text alone is its own source: the model learns to leave it as it is. */
function stylePrompt(example: StyleExample): readonly ChatMessage[] {
  const instruction = example.instruction ?? INSTRUCTION;
  return [
    { role: "user", content: [instruction, sourceOf(example)].filter((part) => part !== "").join("\n\n") },
  ];
}

function sourceOf({ neutral, styled }: StyleExample): string {
  return neutral ?? styled!;
}

interface Judges {
  readonly model: LanguageModel;
  readonly classifier: StyleClassifier | undefined;
  readonly encoder: Encoder | undefined;
}

async function examine(
  { model, classifier, encoder }: Judges,
  examples: readonly StyleExample[],
  { maxNewTokens = MAX_NEW_TOKENS }: LabSettings,
  control?: RunControl,
): Promise<readonly LabAnswer[]> {
  if (!classifier) {
    const what = "a style is judged by a classifier of the rows that are learnt";
    throw new RetuneError("usage", `${what}; take the task from judgedBy(training rows)`);
  }
  const prompts = examples.map((example) => ({ messages: stylePrompt(example) }));
  const texts = await answersTo(model, prompts, { maxTokens: maxNewTokens }, control);
  const similarities = encoder ? await cosines(encoder, examples.map(sourceOf), texts, control) : undefined;
  return examples.map((example, place): LabAnswer => {
    const [source, text] = [sourceOf(example), texts[place]!];
    const { content, facts } = retentionOf(source, text);
    return {
      id: example.id,
      text,
      measures: {
        ...{ styleScore: classifier.score(text), contentRetention: content },
        ...(facts === undefined ? {} : { factRecall: facts }),
        ...(similarities ? { similarity: similarities[place]! } : {}),
      },
      detail: {
        sourceScore: classifier.score(source),
        referenceScore: example.styled === undefined ? null : classifier.score(example.styled),
      },
    };
  });
}

/** Vectors are normalised: a product is the cosine. */
async function cosines(
  encoder: Encoder,
  sources: readonly string[],
  texts: readonly string[],
  control?: RunControl,
): Promise<readonly number[]> {
  const first = await encoder.encode(sources, control);
  const second = await encoder.encode(texts, control);
  return sources.map((_, row) => {
    const other = rowOf(second, row);
    return rowOf(first, row).reduce((sum, value, column) => sum + value * other[column]!, 0);
  });
}
