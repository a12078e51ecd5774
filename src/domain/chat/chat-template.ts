// A chat template (Jinja, as in tokenizer_config.json). transformers' own tag {% generation %} … {% endgeneration %},
// which says what an assistant wrote, is unknown to the renderer; here it becomes an {% if true %} that writes a sign
// where the tag opens and closes, so that white space around it is trimmed as jinja2 trims it.
import { Template } from "@huggingface/jinja";
import { RetuneError } from "../../engine/errors.ts";
import { excerpt } from "./excerpt.ts";
import type { TemplateInput } from "./template-messages.ts";
import { withoutSigns, type Signs } from "./template-values.ts";

/** Half-open range of UTF-16 units. */
export type Span = readonly [from: number, to: number];

export interface RenderedText {
  readonly text: string;
  readonly spans: readonly Span[]; // what the template marks as written by the assistant, in order
}

export interface TemplateSettings {
  readonly addGenerationPrompt?: boolean; // open the assistant's turn at the end
  readonly variables?: Readonly<Record<string, unknown>>; // of the template's own, such as enable_thinking
  readonly today?: Date; // what strftime_now tells, in UTC; else the clock
}

const TAG = /\{%(-?)\s*(end)?generation\s*(-?)%\}/g;
const CLOCK = /\bstrftime_now\b/g; // the renderer's own names months in the page's language
const [OPEN, CLOSE, DATE] = ["retune_opens", "retune_closes", "retune_date"] as const;

export class ChatTemplate {
  /** Whether the template marks what the assistant wrote. */
  readonly marksAnswers: boolean;
  readonly #template: Template;

  /** Throws E_TEMPLATE where the source is no Jinja that can be read. */
  constructor(source: string) {
    this.marksAnswers = source.search(TAG) >= 0;
    try {
      this.#template = new Template(source.replace(TAG, signed).replace(CLOCK, DATE));
    } catch (error) {
      throw new RetuneError(
        "E_TEMPLATE",
        `the chat template cannot be read: ${String(error)}`,
        {},
        { cause: error },
      );
    }
  }

  /** Throws E_TEMPLATE with the template's words where it refuses the conversation. */
  render(
    { messages, tools, signs }: TemplateInput,
    special: Readonly<Record<string, string>>,
    { addGenerationPrompt = false, variables = {}, today = new Date() }: TemplateSettings = {},
  ): RenderedText {
    const given = {
      ...special,
      ...variables,
      ...{ messages, tools, documents: null, add_generation_prompt: addGenerationPrompt },
      ...{ [OPEN]: signs.opens, [CLOSE]: signs.closes, [DATE]: (format: string) => dateText(today, format) },
    };
    try {
      return withoutMarks(this.#template.render(given), signs);
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      throw new RetuneError(
        "E_TEMPLATE",
        `the chat template refuses this conversation: ${excerpt(words, 200)}`,
        {},
        { cause: error },
      );
    }
  }
}

/** The tag as statements that the renderer knows, with the white space control of the tag on its outer sides. */
function signed(_tag: string, left: string, end: string | undefined, right: string): string {
  return end === undefined
    ? `{%${left} if true %}{{ ${OPEN} }}{% if true %}{% endif ${right}%}`
    : `{%${left} if true %}{% endif %}{{ ${CLOSE} }}{% endif ${right}%}`;
}

function withoutMarks(marked: string, signs: Signs): RenderedText {
  const spans: Span[] = [];
  let [text, from] = ["", 0];
  for (const part of marked.split(new RegExp(`(${signs.opens}|${signs.closes})`))) {
    if (part === signs.opens) from = text.length;
    else if (part === signs.closes) spans.push([from, text.length]);
    else text += withoutSigns(part, signs);
  }
  return { text, spans };
}

const MONTHS = ["January", "February", "March", "April", "May", "June", "July"].concat(
  ["August", "September", "October", "November", "December"], // Python's names, whatever the page's language
);

function dateText(date: Date, format: string): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const month = MONTHS[date.getUTCMonth()]!;
  const parts: Readonly<Record<string, string>> = {
    "%Y": String(date.getUTCFullYear()),
    "%m": two(date.getUTCMonth() + 1),
    "%d": two(date.getUTCDate()),
    "%b": month.slice(0, 3),
    "%B": month,
    "%H": two(date.getUTCHours()),
    "%M": two(date.getUTCMinutes()),
    "%S": two(date.getUTCSeconds()),
    "%%": "%",
  };
  return format.replace(/%[YmdbBHMS%]/g, (sign) => parts[sign]!);
}
