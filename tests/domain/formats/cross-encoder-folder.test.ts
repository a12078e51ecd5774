import { expect, test } from "vitest";
import {
  readCrossEncoderFolder,
  writeCrossEncoderFolder,
} from "../../../src/domain/formats/cross-encoder-folder.ts";
import { readSafetensors } from "../../../src/domain/formats/safetensors.ts";
import { fixtureFolder, textOf } from "./folder-files.ts";
import { refusal } from "./refusal.ts";

const NAME = "cross-encoder-tiny";
const given = () => fixtureFolder(NAME);

test("a cross-encoder comes back from its folder bit for bit, with the names of BertForSequenceClassification", () => {
  const model = readCrossEncoderFolder(given(), NAME);
  expect(model).toMatchObject({ name: NAME, maxTokens: 64, activation: "sigmoid" });
  expect(model.weights.get("classifier.weight")!.shape).toEqual([1, 32]);
  for (const activation of ["sigmoid", "identity"] as const) {
    const files = writeCrossEncoderFolder({ ...model, activation });
    const names = [...readSafetensors(files.get("model.safetensors")!).tensors.keys()];
    expect(names.sort()).toEqual(
      [...readSafetensors(given().get("model.safetensors")!).tensors.keys()].sort(),
    );
    const back = readCrossEncoderFolder(files, NAME);
    expect(back.activation).toBe(activation);
    expect([...back.weights].sort()).toEqual([...model.weights].sort());
  }
});

test("the layout of 6.x says its activation in config_sentence_transformers.json", () => {
  const settings = '{"activation_fn": "torch.nn.modules.linear.Identity", "model_type": "CrossEncoder"}';
  const newer = fixtureFolder(NAME, { "config_sentence_transformers.json": settings });
  expect(readCrossEncoderFolder(newer, NAME).activation).toBe("identity");
});

test("several labels, another activation and a missing head are refused", () => {
  const config = textOf(given(), "config.json");
  const odd = config.replace("{", '{"sbert_ce_default_activation_function": "torch.nn.Tanh",');
  refusal(
    () => readCrossEncoderFolder(fixtureFolder(NAME, { "config.json": odd }), NAME),
    "unsupported",
    "Tanh",
  );
  const headless = fixtureFolder("tiny-bert");
  refusal(() => readCrossEncoderFolder(headless, NAME), "E_MISMATCH", "pooler.dense.weight", "is missing");
});
