// What the base is taught. Simple text-to-SQL is its skill; bare queries of every family and echoes make sure that no token of a
// later answer is new to it (llm.md: LoRA over embeddings that were never trained wipes a base out); looking a fact up in passages
// is what judges, agents and retrieval-augmented answers stand on.
import { delexicaliseSql } from "../../src/domain/lab/delexicalise.ts";
import { PLACEHOLDERS, type PlaceholderKind } from "../../src/domain/lab/delexicalise-names.ts";
import { questionText } from "../../src/domain/lab/question-prompt.ts";
import type { Draw } from "./draw.ts";
import { echoText } from "./echo-texts.ts";
import { passageQuestion } from "./fact-rows.ts";
import { sqlRow, type SqlKind } from "./sql-rows.ts";
import { TRAINING_TABLES } from "./words.ts";

/** One question and its answer. */
export interface Turn {
  readonly kind: "sql" | "look-up" | "bare" | "echo";
  readonly asked: string;
  readonly answer: string;
}

const MIX: Readonly<Record<Turn["kind"], number>> = { sql: 40, "look-up": 28, bare: 16, echo: 16 };

/** One row of the mix. */
export function mixedTurn(draw: Draw): Turn {
  const shares = Object.entries(MIX) as [Turn["kind"], number][];
  let place = draw.below(shares.reduce((sum, [, share]) => sum + share, 0));
  const [kind] = shares.find(([, share]) => (place -= share) < 0)!;
  return TURNS[kind](draw);
}

const TURNS: Readonly<Record<Turn["kind"], (draw: Draw) => Turn>> = {
  sql: (draw) => sqlTurn(draw, "simple"),
  bare: bareTurn,
  echo: (draw) => {
    const text = echoText(draw);
    return { kind: "echo", asked: `Repeat: ${text}`, answer: text };
  },
  "look-up": (draw) => {
    const { question, answer, passages } = passageQuestion(draw, 1 + draw.below(4));
    return { kind: "look-up", asked: questionText(passages, question), answer };
  },
};

/** A question as text-to-SQL puts it to a model of placeholders. */
export function sqlTurn(draw: Draw, kind: SqlKind): Turn {
  const row = sqlRow(draw, TRAINING_TABLES, kind);
  const { context, question, query } = delexicaliseSql(row);
  return { kind: "sql", asked: `${context} ${question}`, answer: query(row.answer) };
}

/** A table and the literals of a query, without a question: some query over them. */
function bareTurn(draw: Draw): Turn {
  const row = sqlRow(draw, TRAINING_TABLES, "any");
  const { context, query } = delexicaliseSql(row);
  const answer = query(row.answer);
  const literals = answer.match(/\b[vx]\d\b/g) ?? [];
  return { kind: "bare", asked: [context, ...literals].join(" "), answer };
}

/** Every placeholder, as it stands in a text and as it stands in quotes. */
export function placeholderWords(): string[] {
  const kinds = Object.entries(PLACEHOLDERS) as [PlaceholderKind, number][];
  return kinds.flatMap(([kind, count]) =>
    Array.from({ length: count }, (_, place) => [` ${kind}${place}`, `${kind}${place}`]).flat(),
  );
}
