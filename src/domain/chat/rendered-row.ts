// Which tokens of a conversation are learnt, by incremental rendering: the text of messages[0..i) with the assistant's
// turn opened must begin the text of messages[0..i], and that the text of all; what the second adds to the first is
// answer i. Where a template marks answers itself ({% generation %}), its marks are taken instead.
import { RetuneError } from "../../engine/errors.ts";
import type { SupervisedSequence } from "../models/llama/supervision.ts";
import type { ChatFormat } from "./chat-format.ts";
import type { Span, TemplateSettings } from "./chat-template.ts";
import { excerpt } from "./excerpt.ts";
import type { Conversation } from "./template-messages.ts";
import { boundedIds } from "./token-bounds.ts";

/** "answers": all that the assistant says; "last-answer": only the last; "everything": the prompts, too. */
export type Learnt = "answers" | "last-answer" | "everything";

export interface RowSettings extends Omit<TemplateSettings, "addGenerationPrompt"> {
  readonly learn?: Learnt; // default "answers"
}

/** One sequence to learn from, as a decoder's loss takes it. */
export interface RenderedRow extends SupervisedSequence {
  readonly answers: readonly number[]; // places of the messages learnt, from 0; empty for "everything"
}

/**
 * A conversation as rows to learn from: one; or, where the template rewrites earlier turns once there are later ones
 * (thoughts left out, tools shown with the last question only), one for each answer, each as the model will meet it.
 * The end of its turn is learnt with every answer; a template that writes none gets the model's EOS after the last.
 * Messages of weight 0 are not learnt; none is left: no row. Throws E_TEMPLATE where the template refuses the
 * conversation, where it takes an answer apart from its prompt, or where an earlier answer has no end.
 */
export function renderedRows(
  format: ChatFormat,
  conversation: Conversation,
  { learn = "answers", ...settings }: RowSettings = {},
): RenderedRow[] {
  if (learn === "everything") return [wholeRow(format, conversation, settings)];
  const answers = learntAnswers(conversation, learn);
  if (answers.length === 0) return [];
  const turns = new Turns(format, conversation, settings);
  if (answers.every((place) => turns.keeps(place))) return [turns.row(answers)];
  return answers.map((place) => new Turns(format, upTo(conversation, place + 1), settings).row([place]));
}

/** A text that is not a conversation, learnt as a whole: one BOS, the text, EOS. */
export function textRow({ tokenizer }: ChatFormat, text: string): RenderedRow {
  const { eos } = tokenizer;
  const ids = tokenizer.encodePlain(text);
  if (eos !== undefined && ids.at(-1) !== eos) ids.push(eos);
  return { ids, supervised: ids.map(() => true), answers: [] };
}

function wholeRow(format: ChatFormat, conversation: Conversation, settings: TemplateSettings): RenderedRow {
  const { tokenizer, endOfTurn } = format;
  const ids = tokenizer.encode(format.render(conversation, settings).text);
  const last = ids.findLast((id) => tokenizer.isControl(id));
  if (last === undefined || !endOfTurn.has(last)) ids.push(endOfText(format));
  return { ids, supervised: ids.map(() => true), answers: [] };
}

function learntAnswers({ messages }: Conversation, learn: Learnt): number[] {
  const all = messages.flatMap(({ role }, place) => (role === "assistant" ? [place] : []));
  return (learn === "answers" ? all : all.slice(-1)).filter((place) => messages[place]!.weight !== 0);
}

function upTo({ messages, functions }: Conversation, count: number): Conversation {
  return { messages: messages.slice(0, count), ...(functions ? { functions } : {}) };
}

class Turns {
  readonly #format: ChatFormat;
  readonly #conversation: Conversation;
  readonly #settings: TemplateSettings;
  readonly #text: string;
  readonly #marks: ReadonlyMap<number, Span>; // by place; empty where the template marks no answers, or not each once

  constructor(format: ChatFormat, conversation: Conversation, settings: TemplateSettings) {
    this.#format = format;
    this.#conversation = conversation;
    this.#settings = settings;
    const { text, spans } = format.render(conversation, settings);
    this.#text = text;
    const places = learntAnswers(
      { messages: conversation.messages.map(({ role }) => ({ role })) },
      "answers",
    );
    const pairs =
      spans.length === places.length ? places.map((place, at) => [place, spans[at]!] as const) : [];
    this.#marks = new Map(pairs);
  }

  /** Whether the conversation up to and with a message begins the whole one. */
  keeps(place: number): boolean {
    return this.#text.startsWith(this.#upTo(place + 1, false));
  }

  row(answers: readonly number[]): RenderedRow {
    const spans = answers.map((place) => this.#marks.get(place) ?? this.#addedBy(place));
    const { ids: found, starts } = boundedIds(this.#format.tokenizer, this.#text, spans.flat());
    const ids = [...found];
    const learnt = new Set<number>();
    for (const [index, place] of answers.entries()) {
      const [from, to] = this.#withEnd(ids, starts[2 * index]!, starts[2 * index + 1]!, place);
      for (let at = from; at < to; at++) learnt.add(at);
    }
    return { ids, supervised: ids.map((_, at) => learnt.has(at)), answers };
  }

  #addedBy(place: number): Span {
    const [prompt, answered] = [this.#upTo(place, true), this.#upTo(place + 1, false)];
    if (answered.startsWith(prompt) && answered.length > prompt.length)
      return [prompt.length, answered.length];
    const parts = JSON.stringify(excerpt(prompt.slice(commonLength(prompt, answered)), 40));
    const what = `the prompt before message ${place + 1} does not begin the conversation with it (from ${parts} on)`;
    throw new RetuneError(
      "E_TEMPLATE",
      `the chat template takes turns apart: ${what}; learn everything, or change it`,
    );
  }

  /** The tokens of an answer up to its end of turn, which marks may have left out. */
  #withEnd(ids: number[], from: number, to: number, place: number): Span {
    const { endOfTurn } = this.#format;
    const end = ids.findLastIndex((id, at) => at >= from && at < to && endOfTurn.has(id));
    if (end >= 0) return [from, this.#marks.has(place) ? to : end + 1];
    if (to < ids.length && endOfTurn.has(ids[to]!)) return [from, to + 1];
    const isLast = place === this.#conversation.messages.length - 1;
    if (isLast) return [from, ids.push(endOfText(this.#format))];
    const what = `no end of turn follows message ${place + 1}; learn only the last answer`;
    throw new RetuneError("E_TEMPLATE", `the chat template marks no ends: ${what}`);
  }

  #upTo(count: number, addGenerationPrompt: boolean): string {
    const { messages } = this.#conversation;
    if (count === messages.length && !addGenerationPrompt) return this.#text;
    const settings = { ...this.#settings, addGenerationPrompt };
    return this.#format.render(upTo(this.#conversation, count), settings).text;
  }
}

function commonLength(first: string, second: string): number {
  let length = 0;
  while (length < first.length && first[length] === second[length]) length++;
  return length;
}

function endOfText({ tokenizer }: ChatFormat): number {
  if (tokenizer.eos !== undefined) return tokenizer.eos;
  const what = "neither the chat template nor tokenizer_config.json names a token that ends an answer";
  throw new RetuneError("E_TEMPLATE", `${what}; add "eos_token"`);
}
