import { RetuneError } from "../../../engine/errors.ts";
import { fitGrams, gramRow, type GramModel, type GramSettings } from "./character-grams.ts";
import { fitLogistic, logisticProbability, type LogisticModel } from "./logistic.ts";
import type { StyleExample } from "./style-rows.ts";

const LONGEST = 1000; // characters of a text that are read
const MOST_TEXTS = 500; // of a kind: more take minutes and tell no more
const [LEAST_TEXTS, MANY] = [4, 100]; // of a kind: fewer tell nothing; from MANY on, runs of one text alone tell nothing either
const PENALTY = 10; // C

/** Tells texts of a style from plain ones by the characters they are written with. */
export class StyleClassifier {
  readonly #grams: GramModel;
  readonly #model: LogisticModel;

  private constructor(grams: GramModel, model: LogisticModel) {
    this.#grams = grams;
    this.#model = model;
  }

  /** From the rows that are learnt, never the ones asked about. "too-little-data" below four texts of either kind. */
  static of(training: readonly StyleExample[]): StyleClassifier {
    const styled = textsOf(training, "styled");
    const neutral = textsOf(training, "neutral");
    if (Math.min(styled.length, neutral.length) < LEAST_TEXTS) {
      const what = `${styled.length} styled and ${neutral.length} plain texts to learn the style from`;
      throw new RetuneError("too-little-data", `${what}; at least ${LEAST_TEXTS} of each are needed`);
    }
    const texts = [...styled, ...neutral];
    const settings: GramSettings = { shortest: 1, longest: 4, texts: texts.length >= MANY ? 2 : 1 };
    const grams = fitGrams(texts, settings);
    const rows = texts.map((text) => gramRow(grams, text));
    const positive = texts.map((_, place) => place < styled.length);
    return new StyleClassifier(
      grams,
      fitLogistic(rows, positive, { penalty: PENALTY, features: grams.weights.length }),
    );
  }

  /** P(of the style), in [0, 1]. */
  score(text: string): number {
    return logisticProbability(this.#model, gramRow(this.#grams, text.slice(0, LONGEST)));
  }
}

function textsOf(training: readonly StyleExample[], kind: "styled" | "neutral"): readonly string[] {
  const texts = training.flatMap((example) => example[kind] ?? []);
  return [...new Set(texts.map((text) => text.slice(0, LONGEST)))].slice(0, MOST_TEXTS);
}
