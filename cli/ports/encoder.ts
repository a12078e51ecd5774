import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { openOnnxBert } from "../../src/app/encoders/onnx-bert.ts";
import { OnnxEncoder } from "../../src/app/encoders/onnx-encoder.ts";
import { OwnEncoder } from "../../src/app/encoders/own-encoder.ts";
import { readEncoderModel } from "../../src/app/encoders/own-models.ts";
import type { ModelFiles } from "../../src/app/encoders/model-files.ts";
import type { Encoder } from "../../src/domain/ports.ts";
import type { Backend } from "../../src/engine/backend.ts";
import { openBackend } from "./backend.ts";
import { modelFolder, weightsIn } from "./models.ts";
import { ProgressLine } from "./progress.ts";

/**
 * Opens the model named by a job or by `--model`, on the CPU and all cores up to four: a BERT by our own encoder, from fp32
 * ONNX or safetensors, any other ONNX by onnxruntime's WASM. A folder is relative to `beside`: the job's, or where the person
 * stands.
 */
export async function openEncoder(root: string, model: string, beside = "."): Promise<Encoder> {
  const line = new ProgressLine(`loading ${basename(model)}`);
  const folder = await modelFolder(root, model, beside);
  const files = diskModelFiles(folder);
  const threads = Math.min(4, availableParallelism());
  const backend = (): Promise<Backend> => openBackend("cpu", root, threads);
  const plain = (await weightsIn(folder)) === "safetensors";
  const own = plain
    ? await OwnEncoder.open(await backend(), await readEncoderModel(files))
    : await openOnnxBert(files, backend);
  if (own) {
    line.finish(`${own.identity.dimension} dimensions, our own encoder`);
    return own;
  }
  const encoder = await OnnxEncoder.open(files, { device: "wasm", threads });
  line.finish(`${encoder.identity.dimension} dimensions`);
  return encoder;
}

/** A model folder on disk; exports that keep model.onnx beside the tokenizer are read as well. */
export function diskModelFiles(folder: string): ModelFiles {
  const readOne = (path: string): Promise<Uint8Array<ArrayBuffer> | undefined> =>
    readFile(join(folder, path)).then(
      (buffer) => new Uint8Array(buffer),
      () => undefined,
    );
  return {
    name: basename(folder),
    async read(path) {
      const bytes = await readOne(path);
      return bytes ?? (path.startsWith("onnx/") ? await readOne(path.slice("onnx/".length)) : undefined);
    },
  };
}
