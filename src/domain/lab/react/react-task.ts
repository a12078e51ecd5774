// Agents that reason and act in turn (ReAct). Every step of a trace is one example: what came before is read, the step is learnt.
// A model is judged twice: step by step with the trace's own past before it, and on its own, with tools answered by the sandbox, at
// most six steps, each ended by "Observation:" or the end of the turn.
import type { Conversation } from "../../chat/template-messages.ts";
import type { LanguageModel } from "../../generate/language-model.ts";
import type { RunControl } from "../../ports.ts";
import { answersTo } from "../answered.ts";
import type { LabAnswer, LabSettings, LabTask } from "../lab-task.ts";
import { playedTrajectories, type Trajectory } from "./play.ts";
import type { ReactExample } from "./react-example.ts";
import { promptOfStep } from "./react-prompt.ts";
import { readReactRows } from "./react-rows.ts";
import { REACT_MEASURES } from "./react-measures.ts";
import { sameAnswer, stepFigures } from "./step-figures.ts";
import { stepText } from "./steps.ts";
import type { ReactTool } from "./tools.ts";

const MAX_NEW_TOKENS = 256; // of a step
const STOP = ["Observation:"];

export const reactTask: LabTask<ReactExample> = reactTaskWith([]);

/** The task with tools of a file of their own, for traces that do not define them. */
export function reactTaskWith(tools: readonly ReactTool[]): LabTask<ReactExample> {
  return {
    id: "react",
    measures: REACT_MEASURES,
    maxNewTokens: MAX_NEW_TOKENS,
    read: (file, bytes, options = {}) => readReactRows(file, bytes, { ...options, tools }),
    conversations: (example) => example.steps.map((_, place) => conversationOf(example, place)),
    examine,
  };
}

function conversationOf(example: ReactExample, place: number): Conversation {
  const { messages } = promptOfStep(example, place);
  return { messages: [...messages, { role: "assistant", content: stepText(example.steps[place]!) }] };
}

async function examine(
  model: LanguageModel,
  examples: readonly ReactExample[],
  settings: LabSettings,
  control: RunControl = {},
): Promise<readonly LabAnswer[]> {
  const maxTokens = settings.maxNewTokens ?? MAX_NEW_TOKENS;
  const places = examples.flatMap(({ steps }, example) => steps.map((_, step) => ({ example, step })));
  const prompts = places.map(({ example, step }) => promptOfStep(examples[example]!, step));
  const generated = await answersTo(model, prompts, { maxTokens, stop: STOP }, control);
  const texts = examples.map((): string[] => []);
  for (const [index, { example }] of places.entries()) texts[example]!.push(generated[index]!);
  const played = await playedTrajectories(
    model,
    examples,
    { maxTokens, stop: STOP, firstSteps: texts.map(([first]) => first!) },
    control,
  );
  return examples.map((example, place) => answerOf(example, texts[place]!, played[place]!));
}

function answerOf(example: ReactExample, texts: readonly string[], played: Trajectory): LabAnswer {
  const { answer, ended, repeated } = played;
  return {
    id: example.id,
    text: played.texts.join("\n"),
    measures: { ...stepFigures(example.steps, texts), ...trajectoryFigures(example, played) },
    detail: {
      steps: texts,
      trajectory: {
        texts: played.texts,
        observations: played.observations,
        ended,
        repeated,
        answer: answer ?? null,
      },
    },
  };
}

function trajectoryFigures(
  { answers }: ReactExample,
  { answer, repeated, texts }: Trajectory,
): Readonly<Record<string, number>> {
  const success = answers.some((right) => answer !== undefined && sameAnswer(answer, right));
  return {
    ...(answers.length === 0 ? {} : { taskSuccess: Number(success) }),
    loopRate: Number(repeated),
    steps: texts.length,
  };
}
