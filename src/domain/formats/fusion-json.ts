import { RetuneError } from "../../engine/errors.ts";
import { opening, placeIn } from "../data/import-report.ts";
import type { Fusion } from "../eval/report.ts";
import { parseJson, plainJson } from "./json.ts";

const NORMALISE = "z-score per query over all passages, population sd";

/** fusion.json: everything another program needs to repeat the hybrid search. */
export function writeFusion(fusion: Fusion): string {
  const { lexical, weights } = fusion;
  const { kind, k1, b, tokens } = lexical;
  const ordered = {
    lexical: { kind, k1, b, tokens },
    normalise: fusion.normalise,
    weights: { dense: weights.dense, lexical: weights.lexical },
  };
  return `${JSON.stringify(ordered, null, 2)}\n`;
}

/** E_FIELD names the part that is missing or of another kind than we can compute. */
export function readFusion(text: string, file?: string): Fusion {
  const root = parseJson(text, file).root;
  const at = (path: string): unknown =>
    path
      .split(".")
      .reduce<unknown>(
        (value, key) => (value as Record<string, unknown> | undefined)?.[key],
        plainJson(root),
      );
  const number = (path: string): number => {
    const value = at(path);
    if (typeof value === "number") return value;
    throw field(file, `${path} must be a number`);
  };
  const constant = (path: string, expected: string): void => {
    if (at(path) !== expected) throw field(file, `${path} must be ${JSON.stringify(expected)}`);
  };
  if (root.kind !== "object") throw field(file, "expected an object");
  constant("lexical.kind", "bm25");
  constant("lexical.tokens", "[a-z0-9]+");
  constant("normalise", NORMALISE);
  return {
    lexical: { kind: "bm25", k1: number("lexical.k1"), b: number("lexical.b"), tokens: "[a-z0-9]+" },
    normalise: NORMALISE,
    weights: { dense: number("weights.dense"), lexical: number("weights.lexical") },
  };
}

function field(file: string | undefined, what: string): RetuneError {
  return new RetuneError("E_FIELD", opening(file) + what, placeIn(file));
}
