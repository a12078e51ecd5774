import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { EncoderModel } from "../../../src/domain/models/encoder-model.ts";
import { bertWeightsFrom } from "../../../src/domain/models/weights/bert-weights.ts";
import { DEFAULT_MODEL } from "../../app/encoders/files-on-disk.ts";

/** The files of a folder by relative path, as a picked folder gives them. */
export function filesOf(folder: string): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const visit = (below: string): void => {
    for (const name of readdirSync(join(folder, below))) {
      const path = below === "" ? name : `${below}/${name}`;
      if (statSync(join(folder, path)).isDirectory()) visit(path);
      else files.set(path, new Uint8Array(readFileSync(join(folder, path))));
    }
  };
  visit("");
  return files;
}

export function jsonOf<T>(path: string): T {
  return JSON.parse(readFileSync(path, "utf8")) as T;
}

export function tokenizerOf(files: ReadonlyMap<string, Uint8Array>): {
  tokenizerJson: string;
  tokenizerConfigJson: string;
} {
  const text = (path: string): string => new TextDecoder().decode(files.get(path));
  return { tokenizerJson: text("tokenizer.json"), tokenizerConfigJson: text("tokenizer_config.json") };
}

/** An encoder of a folder: weights from safetensors or ONNX, the rest as given. */
export function encoderFrom(
  folder: string,
  { pooling, maxTokens }: Pick<EncoderModel, "pooling" | "maxTokens">,
  drop: readonly string[] = [],
): EncoderModel {
  const files = filesOf(folder);
  for (const path of drop) files.delete(path);
  const { config, weights } = bertWeightsFrom(files, folder);
  const name = folder.split("/").at(-1)!;
  const prompts = { query: "", document: "" };
  return {
    name,
    config,
    weights,
    tokenizer: tokenizerOf(files),
    pooling,
    normalize: true,
    maxTokens,
    prompts,
  };
}

/** The model that every machine with this repository has. */
export function bgeSmall(): EncoderModel {
  return encoderFrom(DEFAULT_MODEL, { pooling: "cls", maxTokens: 512 });
}
