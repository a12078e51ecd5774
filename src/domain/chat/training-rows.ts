import { RetuneError } from "../../engine/errors.ts";
import { Pace } from "../data/pace.ts";
import type { Chat } from "../formats/datasets/chat.ts";
import { supervisedTokens } from "../models/llama/supervision.ts";
import type { RunControl } from "../ports.ts";
import type { ChatFormat } from "./chat-format.ts";
import type { ChatLine } from "./chat-lines.ts";
import { renderedRows, textRow, type RenderedRow, type RowSettings } from "./rendered-row.ts";

/** What becomes of a row with too many tokens: it is left out, or loses its end (then nothing teaches it to stop). */
export type TooLong = "leave-out" | "cut-end";

export interface TrainingRowSettings extends RowSettings {
  readonly maxTokens: number; // of a row, from 2
  readonly tooLong?: TooLong; // default "leave-out"
}

export interface TrainingRow extends RenderedRow {
  readonly line: number; // of the file, from 1
}

/**
 * "too-long": left out; "cut": lost its end; "nothing-to-learn": no answer, or none before the cut; "refused": by the
 * template; "split": a row for each answer; "control-token": a message spells a token of the template, which the model
 * reads as one.
 */
export type RowNoteKind = "too-long" | "cut" | "nothing-to-learn" | "refused" | "split" | "control-token";

/** What became of the row, for people: the rest of a sentence that begins with it. */
export const ROW_NOTE_TEXTS: Readonly<Record<RowNoteKind, string>> = {
  "too-long": "has more tokens than a row may have and was left out",
  cut: "had more tokens than a row may have and lost its end",
  "nothing-to-learn": "holds no answer to learn and was left out",
  refused: "was refused by the model's chat template",
  split: "became a row for each answer: the template rewrites earlier turns",
  "control-token": "spells a token of the template",
};

export interface RowNote {
  readonly kind: RowNoteKind;
  readonly line: number;
  readonly tokens?: number; // of the row before anything was cut
  readonly reason?: string; // one sentence; of "refused" and "control-token"
}

export interface TrainingRows {
  readonly rows: readonly TrainingRow[];
  readonly notes: readonly RowNote[]; // in order of lines
  readonly tokens: number;
  readonly learntTokens: number; // that carry a loss: those learnt, but for the first of a row
  readonly longest: number; // tokens of the longest row before cutting
}

/** Turns the lines of a file into rows to learn from. "too-little-data" where none is left, "cancelled", "usage". */
export async function trainingRows(
  format: ChatFormat,
  lines: readonly ChatLine[],
  settings: TrainingRowSettings,
  control?: RunControl,
): Promise<TrainingRows> {
  const { maxTokens } = settings;
  if (!Number.isInteger(maxTokens) || maxTokens < 2)
    throw new RetuneError("usage", `rows of at most ${maxTokens} tokens; give a whole number from 2`);
  const pace = new Pace(control);
  const collector = new RowCollector(format, settings);
  for (const [index, line] of lines.entries()) {
    collector.add(line);
    await pace.turn(index + 1, lines.length, "Conversations to tokens");
  }
  return collector.result();
}

class RowCollector {
  readonly #format: ChatFormat;
  readonly #settings: TrainingRowSettings;
  readonly #rows: TrainingRow[] = [];
  readonly #notes: RowNote[] = [];
  #longest = 0;

  constructor(format: ChatFormat, settings: TrainingRowSettings) {
    this.#format = format;
    this.#settings = settings;
  }

  add(line: ChatLine): void {
    const rendered = this.#rendered(line);
    if (rendered === undefined) return;
    if (rendered.length === 0) this.#notes.push({ kind: "nothing-to-learn", line: line.line });
    if (rendered.length > 1) this.#notes.push({ kind: "split", line: line.line });
    for (const row of rendered) this.#keep(row, line.line);
  }

  result(): TrainingRows {
    const [rows, notes] = [this.#rows, this.#notes];
    if (rows.length === 0) throw this.#nothingLeft();
    return {
      ...{ rows, notes, longest: this.#longest },
      tokens: rows.reduce((sum, { ids }) => sum + ids.length, 0),
      learntTokens: supervisedTokens(rows),
    };
  }

  #rendered(line: ChatLine): RenderedRow[] | undefined {
    if ("text" in line) return [textRow(this.#format, line.text)];
    const spelled = spelledToken(this.#format, line.chat);
    if (spelled !== undefined) {
      const reason = `a message spells ${spelled}, a token of the template`;
      this.#notes.push({ kind: "control-token", line: line.line, reason });
    }
    try {
      return renderedRows(this.#format, line.chat, this.#settings);
    } catch (error) {
      if (!(error instanceof RetuneError) || error.code !== "E_TEMPLATE") throw error;
      this.#notes.push({ kind: "refused", line: line.line, reason: error.message });
      return undefined;
    }
  }

  #keep(row: RenderedRow, line: number): void {
    const { maxTokens, tooLong = "leave-out" } = this.#settings;
    const tokens = row.ids.length;
    this.#longest = Math.max(this.#longest, tokens);
    const isLong = tokens > maxTokens;
    if (isLong && tooLong === "leave-out") {
      this.#notes.push({ kind: "too-long", line, tokens });
      return;
    }
    const kept = isLong ? cut(row, maxTokens) : row;
    if (supervisedTokens([kept]) === 0) this.#notes.push({ kind: "nothing-to-learn", line, tokens });
    else {
      if (isLong) this.#notes.push({ kind: "cut", line, tokens });
      this.#rows.push({ ...kept, line });
    }
  }

  #nothingLeft(): RetuneError {
    const first = this.#notes.find(({ kind }) => kind !== "split" && kind !== "control-token");
    const { maxTokens } = this.#settings;
    const why = {
      "too-long": `has ${first?.tokens} tokens, more than ${maxTokens}; raise the limit or cut rows`,
      refused: first?.reason ?? "",
      "nothing-to-learn": "holds no answer to learn",
    }[first?.kind as "too-long" | "refused" | "nothing-to-learn"];
    return new RetuneError(
      "too-little-data",
      first ? `no row is left to learn from: line ${first.line} ${why}` : "no conversation to learn from",
    );
  }
}

function cut({ ids, supervised, answers }: RenderedRow, maxTokens: number): RenderedRow {
  return { ids: ids.slice(0, maxTokens), supervised: supervised.slice(0, maxTokens), answers };
}

function spelledToken({ tokenizer }: ChatFormat, { messages }: Chat): string | undefined {
  for (const { content = "" } of messages) {
    const spelled = tokenizer.controlTokenIn(content);
    if (spelled !== undefined) return spelled;
  }
  return undefined;
}
