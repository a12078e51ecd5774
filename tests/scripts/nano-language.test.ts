import { describe, expect, it } from "vitest";
import { renderedRows } from "../../src/domain/chat/rendered-row.ts";
import { Draw } from "../../scripts/nano-decoder/draw.ts";
import { chatFormat, nanoLanguage, TurnSequences } from "../../scripts/nano-decoder/language.ts";
import { mixedTurn, sqlTurn } from "../../scripts/nano-decoder/mix.ts";

const format = chatFormat(nanoLanguage());

describe("the nano language", () => {
  it("is read and written without a change, and any other text too", () => {
    const draw = new Draw(7, 1);
    const own = Array.from({ length: 200 }, () => mixedTurn(draw)).flatMap(({ asked, answer }) => [
      asked,
      answer,
    ]);
    const other = ["", " two  spaces\r\n\tand tabs", "Ein Schiff fährt — 日本語 👩‍👧", '{"key":[1,2.5e3]}'];
    for (const text of [...own, ...other]) {
      expect(format.tokenizer.decode(format.tokenizer.encode(text))).toBe(text);
    }
  });

  it("is whole words: no row falls to bytes", () => {
    const draw = new Draw(8, 1);
    const turns = Array.from({ length: 300 }, (_, at) =>
      at % 2 === 0 ? mixedTurn(draw) : sqlTurn(draw, "further"),
    );
    const letters = turns.filter(({ asked }) => {
      const pieces = format.tokenizer.encode(asked).map((id) => format.tokenizer.decode([id]));
      return pieces.some((piece, at) => /^[b-z]$/.test(piece) && /^[b-z]$/.test(pieces[at + 1] ?? ""));
    });
    expect(letters).toEqual([]);
  });

  it("gives a turn the ids and the mask that its chat template gives it", () => {
    const draw = new Draw(9, 1);
    const turns = new TurnSequences(format);
    for (let count = 0; count < 40; count++) {
      const turn = mixedTurn(draw);
      const [row] = renderedRows(format, {
        messages: [
          { role: "user", content: turn.asked },
          { role: "assistant", content: turn.answer },
        ],
      });
      const { ids, supervised } = turns.of(turn);
      expect(ids).toEqual(row!.ids);
      expect(supervised).toEqual(row!.supervised);
    }
  });

  it("takes passages and a question in few tokens", () => {
    const draw = new Draw(10, 1);
    const lengths = Array.from({ length: 100 }, () => format.tokenizer.encode(mixedTurn(draw).asked).length);
    expect(Math.max(...lengths)).toBeLessThan(100);
  });
});
