import { ENCODER_LOSSES } from "../../domain/recipes/encoder/encoder-job.ts";
import type { SettingField, Task } from "../studio-training.ts";

// What the Advanced drawer offers for each task: path, what both modes do where it is left alone, and its bounds.

type Value = number | string | boolean | null;

function number(
  path: string,
  [recommended, compatible]: readonly [Value, Value],
  [min, max]: readonly [number, number],
  whole = false,
): SettingField {
  return { kind: "number", path, values: { recommended, compatible }, min, max, whole };
}

function choice(path: string, value: readonly [Value, Value], choices: readonly string[]): SettingField {
  return { kind: "choice", path, values: { recommended: value[0], compatible: value[1] }, choices };
}

function flag(path: string, recommended: boolean, compatible: boolean): SettingField {
  return { kind: "flag", path, values: { recommended, compatible } };
}

const ADAPTER: readonly SettingField[] = [
  number("epochs", [null, 1], [1, 500], true),
  number("batchSize", [null, 10], [2, 4096], true),
  number("learningRate", [null, 2e-5], [1e-7, 1]),
  number("scale", [null, 20], [0.1, 1000]),
  number("alpha", [null, 1], [0, 2]),
  number("seed", [0, 0], [0, 4294967295], true),
];

const LINEAR_LAYERS = [
  "query",
  "key",
  "value",
  "attention.output.dense",
  "intermediate.dense",
  "output.dense",
];

function encoderFields(task: "encoder" | "lora"): readonly SettingField[] {
  const rate = task === "lora" ? 2e-4 : 2e-5;
  const shared: readonly SettingField[] = [
    choice("loss.kind", ["mnrl", "mnrl"], ENCODER_LOSSES),
    number("loss.scale", [20, 20], [0.1, 1000]),
    { kind: "numbers", path: "matryoshka.dimensions", values: { recommended: null, compatible: null } },
    number("epochs", [2, 2], [0.1, 100]),
    number("batchSize", [10, 10], [2, 4096], true),
    number("negativesPerQuestion", [null, null], [0, 20], true),
    number("learningRate", [rate, rate], [1e-7, 1]),
    number("weightDecay", [0.01, 0.01], [0, 1]),
    number("warmup", [0.1, 0.1], [0, 1]),
    number("clip", [1, 1], [0.01, 1000]),
    number("maxTokens", [null, null], [8, 512], true),
    number("validation.share", [0.1, null], [0.02, 0.5]),
    number("validation.every", [0.05, null], [0.01, 1]),
    number("validation.patience", [5, null], [1, 100], true),
    number("anchorWeight", [1, 1], [0, 100]),
    number("miniBatch", [32, 32], [1, 4096], true),
    flag("recomputation", false, false),
    flag("dropout", true, true),
    number("seed", [0, 0], [0, 4294967295], true),
  ];
  if (task === "encoder") return shared;
  return [
    number("lora.rank", [16, 16], [1, 256], true),
    number("lora.alpha", [32, 32], [1, 1024]),
    flag("lora.rsLora", false, false),
    number("lora.dropout", [0, 0], [0, 0.9]),
    {
      kind: "names",
      path: "lora.targets",
      values: { recommended: "all-linear", compatible: "all-linear" },
      choices: LINEAR_LAYERS,
      all: "all-linear",
    },
    ...shared,
  ];
}

const CROSS_ENCODER: readonly SettingField[] = [
  choice("loss", ["bce", "bce"], ["bce", "listwise", "margin-mse"]),
  number("epochs", [2, 2], [0.1, 100]),
  number("batchSize", [10, 10], [1, 1024], true),
  number("learningRate", [2e-5, 2e-5], [1e-7, 1]),
  number("weightDecay", [0.01, 0.01], [0, 1]),
  number("positiveWeight", [1, 1], [0.01, 1000]),
  number("maxTokens", [null, null], [8, 512], true),
  number("seed", [0, 0], [0, 4294967295], true),
];

const ROUTER: readonly SettingField[] = [
  choice("trainer", ["embedding", "embedding"], ["embedding", "cross-encoder", "softmax"]),
  choice("tune", ["adapter", "encoder"], ["adapter", "encoder"]),
  number("epochs", [null, 30], [1, 500], true),
  number("batchSize", [null, 10], [1, 4096], true),
  number("learningRate", [null, 2e-5], [1e-7, 1]),
  number("scale", [20, 20], [0.1, 1000]),
  number("negatives", [4, 4], [1, 50], true),
  number("precision", [0.9, 0.9], [0.5, 1]),
  number("seed", [0, 0], [0, 4294967295], true),
];

export function fieldsOf(task: Task): readonly SettingField[] {
  switch (task) {
    case "adapter":
      return ADAPTER;
    case "encoder":
    case "lora":
      return encoderFields(task);
    case "cross-encoder":
      return CROSS_ENCODER;
    case "router":
      return ROUTER;
  }
}
