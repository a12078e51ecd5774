// What a base says, held against what it should have said: share of answers that are right to the letter, by kind.
import { delexicaliseSql } from "../../src/domain/lab/delexicalise.ts";
import { questionText } from "../../src/domain/lab/question-prompt.ts";
import type { LanguageModel } from "../../src/domain/generate/language-model.ts";
import { Draw } from "./draw.ts";
import { echoText } from "./echo-texts.ts";
import { passageQuestion } from "./fact-rows.ts";
import type { Turn } from "./mix.ts";
import { sqlRow } from "./sql-rows.ts";
import { HELD_OUT_TABLES } from "./words.ts";

const STREAM = 2_000_001;
const LONGEST = 64; // tokens of an answer

type Asked = Pick<Turn, "asked" | "answer">;

const KINDS: Readonly<Record<string, (draw: Draw) => Asked>> = {
  "simple SQL, held-out schemas": (draw) => sqlAsked(draw, "simple"),
  "further SQL, held-out schemas": (draw) => sqlAsked(draw, "further"),
  "look-up in 1 passage": (draw) => lookUp(draw, 1),
  "look-up in 4 passages": (draw) => lookUp(draw, 4),
  echo: (draw) => {
    const text = echoText(draw);
    return { asked: `Repeat: ${text}`, answer: text };
  },
};

/** Shares by kind, over `count` rows of each. */
export async function examined(model: LanguageModel, count: number): Promise<Record<string, number>> {
  const shares: Record<string, number> = {};
  for (const [place, [kind, make]] of Object.entries(KINDS).entries()) {
    const draw = new Draw(0, STREAM + place);
    const rows = Array.from({ length: count }, () => make(draw));
    const prompts = rows.map(({ asked }) =>
      model.format.promptIds({ messages: [{ role: "user", content: asked }] }),
    );
    const answers = await model.generate(prompts, { maxTokens: LONGEST });
    shares[kind] = answers.filter(({ text }, row) => text === rows[row]!.answer).length / count;
  }
  return shares;
}

function sqlAsked(draw: Draw, kind: "simple" | "further"): Asked {
  const row = sqlRow(draw, HELD_OUT_TABLES, kind);
  const { context, question, query } = delexicaliseSql(row);
  return { asked: `${context} ${question}`, answer: query(row.answer) };
}

function lookUp(draw: Draw, count: number): Asked {
  const { question, answer, passages } = passageQuestion(draw, count);
  return { asked: questionText(passages, question), answer };
}
