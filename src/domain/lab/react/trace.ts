import type { ErrorCode, RetuneError } from "../../../engine/errors.ts";
import type { JsonObject } from "../../formats/json.ts";
import { readLiteral } from "./python-literal.ts";
import type { ReactStep, Section } from "./steps.ts";

/** What an agent did, without the question. */
export interface Trace {
  readonly steps: readonly ReactStep[];
  readonly observations: readonly string[]; // after each action but a last one
  readonly repaired: number; // inputs that were no JSON
}

/** Makes the error of a row. */
export type RowRefusal = (code: ErrorCode, what: string) => RetuneError;

/**
 * Sections in order as steps. E_FIELD where they are no trace (an action without its input or its observation, something after
 * the answer), E_JSON for an input that cannot be read as an object.
 */
export function traceOf(sections: readonly Section[], refuse: RowRefusal): Trace {
  const builder = new TraceBuilder(refuse);
  for (const section of sections) builder.add(section);
  return builder.trace();
}

class TraceBuilder {
  readonly #steps: ReactStep[] = [];
  readonly #observations: string[] = [];
  readonly #refuse: RowRefusal;
  #repaired = 0;
  #thought = "";
  #action: string | undefined;

  constructor(refuse: RowRefusal) {
    this.#refuse = refuse;
  }

  add({ label, text }: Section): void {
    if (this.#steps.at(-1)?.kind === "answer") throw this.#error(`${label} stands after the answer`);
    if (this.#action !== undefined && label !== "Action Input")
      throw this.#error(`the action ${JSON.stringify(this.#action)} has no "Action Input"`);
    switch (label) {
      case "Thought":
        this.#requireObserved();
        this.#thought = this.#thought === "" ? text : `${this.#thought}\n${text}`;
        return;
      case "Action":
        this.#requireObserved();
        if (text === "") throw this.#error("the action names no tool");
        this.#action = text;
        return;
      case "Action Input":
        this.#act(text);
        return;
      case "Observation":
        if (this.#observed()) throw this.#error("an observation follows no action");
        this.#observations.push(text);
        return;
      case "Answer":
        this.#requireObserved();
        if (text === "") throw this.#error("the answer is empty");
        this.#steps.push({ kind: "answer", thought: this.#taken(), answer: text });
        return;
      default:
        throw this.#error(`${label} stands within a trace`);
    }
  }

  trace(): Trace {
    if (this.#action !== undefined) throw this.#error(`the action has no "Action Input"`);
    if (this.#thought !== "") throw this.#error("it ends with a thought; an action or an answer must follow");
    if (this.#steps.length === 0) throw this.#error("there is neither an action nor an answer");
    return { steps: this.#steps, observations: this.#observations, repaired: this.#repaired };
  }

  #act(text: string): void {
    const action = this.#action;
    if (action === undefined) throw this.#error('"Action Input" follows no action');
    this.#action = undefined;
    this.#steps.push({ kind: "action", thought: this.#taken(), action, input: this.#input(text) });
  }

  #input(text: string): JsonObject {
    const read = readLiteral(text.replace(/^```(?:json)?\s*|\s*```$/g, ""));
    if (read?.value.kind !== "object") {
      const what = `the input ${JSON.stringify(text.slice(0, 60))} is no JSON object, nor a Python dict`;
      throw this.#refuse("E_JSON", `step ${this.#steps.length + 1}: ${what}`);
    }
    if (read.repaired) this.#repaired++;
    return read.value;
  }

  #observed(): boolean {
    return this.#observations.length >= this.#steps.length;
  }

  #requireObserved(): void {
    if (!this.#observed()) throw this.#error("the step before it has no observation");
  }

  #taken(): string {
    const thought = this.#thought;
    this.#thought = "";
    return thought;
  }

  #error(what: string): RetuneError {
    return this.#refuse("E_FIELD", `step ${this.#steps.length + 1}: ${what}`);
  }
}
