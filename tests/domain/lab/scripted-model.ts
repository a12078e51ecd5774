import type { ChatFormat } from "../../../src/domain/chat/chat-format.ts";
import type {
  Constraint,
  Generated,
  GenerationSettings,
  LanguageModel,
  SequenceScore,
} from "../../../src/domain/generate/language-model.ts";
import type { SupervisedSequence } from "../../../src/domain/models/llama/supervision.ts";
import type { RunControl } from "../../../src/domain/ports.ts";
import { RetuneError } from "../../../src/engine/errors.ts";
import { formatOf, type Name } from "../chat/chat-fixtures.ts";

export interface Script {
  /** The answer to a prompt, which is given as the text of its template, special tokens included. */
  readonly answer?: (prompt: string, constraint: Constraint | undefined) => string;
  /** −ln p of each supervised token of a sequence; the text is that of its template, the learnt part is its last. Default 1. */
  readonly lossPerToken?: (text: string, learnt: string) => number;
  /** ln p of a candidate, given as its text, as what follows a prompt. Default: all are alike. */
  readonly next?: (prompt: string, candidate: string) => number;
  readonly tokenizer?: Name; // of tests/fixtures/chat; default "chatml"
  readonly contextTokens?: number; // default 4096
  readonly name?: string;
  readonly placeholders?: boolean; // as a model of delexicalised texts says it
}

/** What a scripted model was asked: texts of prompts, in order, with the settings they came with. */
export interface Asked {
  readonly prompt: string;
  readonly constraint: Constraint | undefined;
  readonly settings: GenerationSettings;
}

/** A language model whose answers are a function of its prompts: it tests what asks and what judges, without any weights. */
export class ScriptedModel implements LanguageModel {
  readonly name: string;
  readonly format: ChatFormat;
  readonly contextTokens: number;
  readonly placeholders: boolean;
  readonly asked: Asked[] = []; // every prompt of `generate`
  readonly scored: string[] = []; // every text of `score`
  readonly #script: Script;

  constructor(script: Script) {
    this.#script = script;
    this.name = script.name ?? "scripted";
    this.format = formatOf(script.tokenizer ?? "chatml");
    this.contextTokens = script.contextTokens ?? 4096;
    this.placeholders = script.placeholders ?? false;
  }

  async generate(
    prompts: readonly (readonly number[])[],
    settings: GenerationSettings,
    { signal, onProgress }: RunControl = {},
  ): Promise<readonly Generated[]> {
    const answers: Generated[] = [];
    for (const [place, ids] of prompts.entries()) {
      await Promise.resolve();
      if (signal?.aborted) throw new RetuneError("cancelled", "generation: cancelled");
      this.#checkRoom(ids.length + settings.maxTokens);
      const prompt = this.format.tokenizer.decode(ids);
      const constraint = settings.constraints?.[place];
      this.asked.push({ prompt, constraint, settings });
      const answer = this.#cut(this.#script.answer?.(prompt, constraint) ?? "", settings);
      settings.onText?.(place, answer.text);
      answers.push(answer);
      onProgress?.({ done: place + 1, total: prompts.length });
    }
    return answers;
  }

  /** The learnt part of a sequence is the text of its supervised tokens. */
  async score(
    sequences: readonly SupervisedSequence[],
    { signal }: RunControl = {},
  ): Promise<readonly SequenceScore[]> {
    await Promise.resolve();
    if (signal?.aborted) throw new RetuneError("cancelled", "scoring: cancelled");
    return sequences.map(({ ids, supervised }) => {
      const { tokenizer } = this.format;
      const learnt = [...ids].filter((_, at) => at > 0 && supervised[at]);
      const text = tokenizer.decode([...ids]);
      this.scored.push(text);
      const each = this.#script.lossPerToken?.(text, tokenizer.decode(learnt)) ?? 1;
      return { loss: each * learnt.length, tokens: learnt.length };
    });
  }

  async nextTokens(
    prompts: readonly (readonly number[])[],
    candidates: readonly number[],
    { signal }: RunControl = {},
  ): Promise<readonly Float64Array[]> {
    await Promise.resolve();
    if (signal?.aborted) throw new RetuneError("cancelled", "next tokens: cancelled");
    const { tokenizer } = this.format;
    const even = -Math.log(Math.max(1, candidates.length));
    return prompts.map((ids) => {
      const prompt = tokenizer.decode(ids);
      const own = candidates.map((id) => this.#script.next?.(prompt, tokenizer.decode([id])) ?? even);
      return Float64Array.from(own);
    });
  }

  /** An answer up to the first stop, and of no more tokens than asked for. */
  #cut(answer: string, { stop = [], maxTokens }: GenerationSettings): Generated {
    const ends = stop.map((text) => answer.indexOf(text)).filter((at) => at >= 0);
    const stopped = ends.length > 0;
    const text = stopped ? answer.slice(0, Math.min(...ends)) : answer;
    const ids = this.format.tokenizer.encode(text);
    if (ids.length >= maxTokens && !stopped) {
      const cut = this.format.tokenizer.decode(ids.slice(0, maxTokens));
      return { text: cut, tokens: maxTokens, ended: "length" };
    }
    return { text, tokens: ids.length + 1, ended: stopped ? "stop" : "turn" };
  }

  #checkRoom(tokens: number): void {
    if (tokens <= this.contextTokens) return;
    const what = `prompt and answer take ${tokens} tokens, the model has ${this.contextTokens} positions`;
    throw new RetuneError("usage", `generation: ${what}`);
  }
}

/** The content of the last message of a role in a prompt of ChatML (tests/fixtures/chat/chatml). */
export function lastMessage(prompt: string, role: "system" | "user" | "assistant" | "tool" = "user"): string {
  const opened = prompt.split(`<|im_start|>${role}\n`);
  return opened.length < 2 ? "" : opened.at(-1)!.split("<|im_end|>")[0]!;
}
