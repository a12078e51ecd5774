import { readFileSync } from "node:fs";

/** What scipy, scikit-learn and LlamaIndex say (tests/fixtures/lab/make_reference.py). */
export const reference = JSON.parse(readFileSync("tests/fixtures/lab/reference.json", "utf8")) as {
  readonly agreement: {
    readonly nominal: readonly { first: readonly string[]; second: readonly string[]; kappa: number }[];
    readonly graded: readonly {
      first: readonly number[];
      second: readonly number[];
      quadratic: number;
      spearman: number;
      ranks: readonly number[];
    }[];
  };
  readonly consensus: readonly {
    original: "A" | "B" | "C";
    flipped: "A" | "B" | "C";
    score: number;
    source: string;
  }[];
  readonly style: {
    readonly styled: readonly string[];
    readonly plain: readonly string[];
    readonly asked: readonly string[];
    readonly probabilities: readonly number[];
    readonly features: number;
    readonly featuresOfTwo: number;
    readonly squares: number;
    readonly bias: number;
  };
};

/** Rows of JSON Lines as a file's bytes. */
export function jsonLines(...rows: readonly unknown[]): Uint8Array {
  return new TextEncoder().encode(rows.map((row) => JSON.stringify(row)).join("\n"));
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
