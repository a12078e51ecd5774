import { readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { Tokenizer } from "@huggingface/tokenizers";
import { tokenCounter } from "../../../src/app/encoders/token-counter.ts";
import { CounterRandom } from "../../../src/domain/random.ts";

const folder = "public/models/retune-nano";
const files = {
  name: "nano",
  read: (path: string) => Promise.resolve(new Uint8Array(readFileSync(`${folder}/${path}`))),
};
const tokenizer = new Tokenizer(JSON.parse(readFileSync(`${folder}/tokenizer.json`, "utf8")) as object, {});
const whole = (text: string): number => tokenizer.encode(text, { add_special_tokens: false }).ids.length;

test("counting by words gives what the tokenizer gives for whole texts", async () => {
  const count = await tokenCounter(files);
  const documents = "public/samples/handbook/documents";
  for (const name of readdirSync(documents).slice(0, 12)) {
    for (const paragraph of readFileSync(`${documents}/${name}`, "utf8").split("\n\n")) {
      expect(count(paragraph), paragraph).toBe(whole(paragraph));
    }
  }
});

test("odd texts too: marks, accents, added tokens, scripts without spaces, control and combining characters", async () => {
  const count = await tokenCounter(files);
  const alphabet = [
    ..."ab Z9.,-_[]()'\"\t\n\r\u00a0é\u0301ß中文กข\u200b\u0007\u2028€😀",
    " [CLS] ",
    "[MASK]",
    "aé[UNK]b",
  ];
  const random = CounterRandom.stream(7, 1);
  for (let round = 0; round < 2000; round++) {
    const length = 1 + random.below(24);
    const text = Array.from({ length }, () => alphabet[random.below(alphabet.length)]!).join("");
    expect(count(text), JSON.stringify(text)).toBe(whole(text));
  }
});
