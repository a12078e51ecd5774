// Whole trajectories: the model's step, the sandbox's observation, the next step, until an answer, a step that cannot be read, or
// six steps. Agents of all examples take a step together, so that a batch is as large as there are agents left.
import { RetuneError } from "../../../engine/errors.ts";
import type { LanguageModel } from "../../generate/language-model.ts";
import type { RunControl } from "../../ports.ts";
import { lookupKey } from "./tools.ts";
import type { ReactExample } from "./react-example.ts";
import { promptBefore } from "./react-prompt.ts";
import { observed } from "./sandbox.ts";
import { parsedStep, stepText } from "./steps.ts";

export const MOST_STEPS = 6;

export interface Trajectory {
  readonly texts: readonly string[]; // the model's words at each step
  readonly observations: readonly string[]; // after each step but the last
  readonly ended: "answer" | "unreadable" | "steps" | "no-room"; // no-room: the past left no place for another step
  readonly answer: string | undefined;
  readonly repeated: boolean; // a call was made twice
}

export interface PlaySettings {
  readonly maxTokens: number; // of a step
  readonly stop: readonly string[];
  readonly firstSteps?: readonly string[]; // already asked for: the model's words at the first step of each example
}

/** One trajectory an example, in order. */
export async function playedTrajectories(
  model: LanguageModel,
  examples: readonly ReactExample[],
  settings: PlaySettings,
  control: RunControl = {},
): Promise<readonly Trajectory[]> {
  const agents = examples.map((example) => new Agent(example));
  const { firstSteps } = settings;
  if (firstSteps) await Promise.all(agents.map((agent, place) => agent.take(firstSteps[place]!)));
  for (let step = firstSteps ? 1 : 0; step < MOST_STEPS; step++) {
    const acting = agents.filter((agent) => agent.ended === undefined);
    const prompts = acting.map((agent) => agent.prompt(model, settings.maxTokens));
    const open = prompts.flatMap((ids, place) => (ids === undefined ? [] : [{ ids, agent: acting[place]! }]));
    if (open.length === 0) break;
    const ids = open.map((each) => each.ids);
    const room = model.contextTokens - Math.max(...ids.map(({ length }) => length));
    const maxTokens = Math.min(settings.maxTokens, room);
    const answers = await model.generate(ids, { maxTokens, stop: settings.stop }, control);
    await Promise.all(open.map(({ agent }, place) => agent.take(answers[place]!.text)));
  }
  return agents.map((agent) => agent.trajectory());
}

class Agent {
  readonly #example: ReactExample;
  readonly #texts: string[] = [];
  readonly #past: string[] = []; // steps as the prompt shows them
  readonly #observations: string[] = [];
  readonly #calls = new Set<string>();
  #repeated = false;
  #answer: string | undefined;
  #ended: Trajectory["ended"] | undefined;

  constructor(example: ReactExample) {
    this.#example = example;
  }

  get ended(): Trajectory["ended"] | undefined {
    return this.#ended;
  }

  /** Ids of what the agent has before its next step; undefined, and the end of it, where no room is left for one. */
  prompt({ format, contextTokens }: LanguageModel, maxTokens: number): readonly number[] | undefined {
    const past = { steps: this.#past, observations: this.#observations };
    const ids = format.promptIds(promptBefore(this.#example, past));
    if (ids.length + Math.min(maxTokens, contextTokens / 2) <= contextTokens) return ids;
    this.#ended = "no-room";
    return undefined;
  }

  async take(text: string): Promise<void> {
    this.#texts.push(text);
    const step = parsedStep(text);
    if (step === undefined) this.#ended = "unreadable";
    else if (step.kind === "answer") [this.#ended, this.#answer] = ["answer", step.answer];
    else {
      const call = `${step.action}\n${lookupKey(step.input)}`;
      this.#repeated ||= this.#calls.has(call);
      this.#calls.add(call);
      if (this.#texts.length === MOST_STEPS) this.#ended = "steps";
      else {
        this.#past.push(stepText(step));
        this.#observations.push(await observed(this.#example, step));
      }
    }
  }

  trajectory(): Trajectory {
    const ended = this.#ended;
    if (ended === undefined) throw new RetuneError("usage", "a trajectory is asked for before its end");
    return {
      ...{ texts: this.#texts, observations: this.#observations, ended, repeated: this.#repeated },
      answer: this.#answer,
    };
  }
}
