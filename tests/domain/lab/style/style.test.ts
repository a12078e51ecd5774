import { expect, test } from "vitest";
import { fitGrams, gramRow } from "../../../../src/domain/lab/style/character-grams.ts";
import { fitLogistic, logisticProbability } from "../../../../src/domain/lab/style/logistic.ts";
import { retentionOf } from "../../../../src/domain/lab/style/retention.ts";
import { StyleClassifier } from "../../../../src/domain/lab/style/style-classifier.ts";
import { readStyleRows } from "../../../../src/domain/lab/style/style-rows.ts";
import { styleTask, styleTaskWith } from "../../../../src/domain/lab/style/style-task.ts";
import { expectClose } from "../../../close.ts";
import { bytesOf, jsonLines, reference } from "../reference.ts";
import { lastMessage, ScriptedModel } from "../scripted-model.ts";

const { styled, plain, asked, probabilities, features, featuresOfTwo, squares, bias } = reference.style;
const texts = [...styled, ...plain];
const GRAMS = { shortest: 1, longest: 4, texts: 1 };

test("the classifier of character runs is scikit-learn's", () => {
  const grams = fitGrams(texts, GRAMS);
  expect(grams.weights).toHaveLength(features);
  expect(fitGrams(texts, { ...GRAMS, texts: 2 }).weights).toHaveLength(featuresOfTwo);
  const rows = texts.map((text) => gramRow(grams, text));
  const positive = texts.map((_, place) => place < styled.length);
  const model = fitLogistic(rows, positive, { penalty: 10, features });
  const found = asked.map((text) => logisticProbability(model, gramRow(grams, text)));
  expectClose(found, probabilities, { absolute: 1e-6 });
  expectClose(
    [model.weights.reduce((sum, weight) => sum + weight * weight, 0), model.bias],
    [squares, bias],
    {
      relative: 1e-5,
      absolute: 1e-6,
    },
  );
});

test("a style's classifier says more of styled texts it never saw, and needs four of each kind", () => {
  const rows = [...styled.map((text) => ({ styled: text })), ...plain.map((text) => ({ neutral: text }))];
  const training = readStyleRows("s.jsonl", jsonLines(...rows)).examples;
  const classifier = StyleClassifier.of(training);
  expect(classifier.score("Ahoy! The shop be closed, matey!")).toBeGreaterThan(0.7);
  expect(classifier.score("The shop is closed.")).toBeLessThan(0.5);
  expect(() => StyleClassifier.of(training.slice(0, 10))).toThrow(
    /8 styled and 2 plain texts.*at least 4 of each/,
  );
});

test("numbers are kept by value, names and words by their letters", () => {
  const source = "In 2019 the shop of Anna Weber sold 1,200 books for 12.50 euros.";
  expect(retentionOf(source, "Arr! Anna Weber's shop sold 1200 books fer 12.5 euros in 2019!")).toEqual({
    content: 1,
    facts: 1,
  });
  const lost = retentionOf(source, "Arr! The shop sold books!");
  expect(lost.facts).toBe(0);
  expect(lost.content).toBeLessThan(0.2);
  expect(retentionOf("The of and", "nothing")).toEqual({ content: 1 });
  expect(retentionOf("die brücke ist grün", "die brücke ist gruen").content).toBe(0.75);
});

test("pairs and lone texts are read; a file of one kind is refused", () => {
  const csv = "neutral,styled\nIt rains.,Arr it rains!\n,Ahoy!\nIt snows.,\n";
  const { examples } = readStyleRows("s.csv", bytesOf(csv));
  expect(examples.map(({ neutral, styled: own }) => [neutral, own])).toEqual([
    ["It rains.", "Arr it rains!"],
    [undefined, "Ahoy!"],
    ["It snows.", undefined],
  ]);
  const taught = examples.flatMap((example) => styleTask.conversations(example));
  expect(taught.map(({ messages }) => messages.at(-1)!.content)).toEqual(["Arr it rains!", "Ahoy!"]);
  expect(taught[1]!.messages[0]!.content).toContain("\n\nAhoy!"); // copied
  expect(() => readStyleRows("s.jsonl", jsonLines({ styled: "Ahoy!" }))).toThrow(
    /no row has a "neutral" text/,
  );
  expect(() => readStyleRows("s.jsonl", jsonLines({ neutral: "a", styled: "b" }, { id: "3" }))).toThrow(
    /line 2: "neutral"/,
  );
});

const rows = styled.map((text, place) => ({
  neutral: plain[place] ?? `It is number ${place}.`,
  styled: text,
}));
const { examples } = readStyleRows("s.jsonl", jsonLines(...rows));

test("an answer of the style that forgets what was said scores in style and not in content", async () => {
  const judged = styleTask.judgedBy!(examples);
  const ask = (answer: (source: string) => string): ReturnType<typeof judged.examine> => {
    const model = new ScriptedModel({ answer: (prompt) => answer(lastMessage(prompt).split("\n\n")[1]!) });
    return judged.examine(model, examples.slice(0, 3), {});
  };
  const [copied] = await ask((source) => source);
  const [forgetful] = await ask(() => "Ahoy! Arr, matey!");
  expect(copied!.measures["contentRetention"]).toBe(1);
  expect(forgetful!.measures["contentRetention"]).toBeLessThan(0.1);
  expect(forgetful!.measures["styleScore"]).toBeGreaterThan(copied!.measures["styleScore"]! + 0.3);
  expect(copied!.detail!["sourceScore"]).toBe(copied!.measures["styleScore"]);
  expect(copied!.detail!["referenceScore"]).toBeGreaterThan(0.5);
});

test("without the training rows no style is judged", async () => {
  await expect(styleTask.examine(new ScriptedModel({}), examples, {})).rejects.toThrow(
    /judgedBy\(training rows\)/,
  );
});

test("an encoder adds the cosine of source and answer", async () => {
  const encoder = {
    identity: {} as never,
    encode: (given: readonly string[]) =>
      Promise.resolve({
        rows: given.length,
        columns: 2,
        values: Float32Array.from(given.flatMap((text) => (text.includes("It") ? [1, 0] : [0.6, 0.8]))),
      }),
    close: () => Promise.resolve(),
  };
  const judged = styleTaskWith(encoder).judgedBy!(examples);
  const model = new ScriptedModel({ answer: () => "Ahoy!" });
  const [answer] = await judged.examine(model, [{ ...examples[0]!, neutral: "It is." }], {});
  expect(answer!.measures["similarity"]).toBeCloseTo(0.6, 6);
  expect(judged.measures.map(({ key }) => key)).toContain("similarity");
});
