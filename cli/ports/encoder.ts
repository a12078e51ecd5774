import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { OnnxEncoder } from "../../src/app/encoders/onnx-encoder.ts";
import { OwnEncoder } from "../../src/app/encoders/own-encoder.ts";
import { readEncoderModel } from "../../src/app/encoders/own-models.ts";
import type { ModelFiles } from "../../src/app/encoders/model-files.ts";
import type { Encoder } from "../../src/domain/ports.ts";
import { openBackend } from "./backend.ts";
import { modelFolder, weightsIn } from "./models.ts";
import { ProgressLine } from "./progress.ts";

/**
 * Opens the model named by a job or by `--model`, on the CPU: ONNX by onnxruntime's WASM on all cores up to four, a folder
 * with safetensors alone by our own encoder. A folder is relative to `beside`: the job's, or where the person stands.
 */
export async function openEncoder(root: string, model: string, beside = "."): Promise<Encoder> {
  const line = new ProgressLine(`loading ${basename(model)}`);
  const folder = await modelFolder(root, model, beside);
  const files = diskModelFiles(folder);
  if ((await weightsIn(folder)) === "safetensors") {
    const own = await OwnEncoder.open(await openBackend("cpu", root), await readEncoderModel(files));
    line.finish(`${own.identity.dimension} dimensions, our own encoder`);
    return own;
  }
  const encoder = await OnnxEncoder.open(files, {
    device: "wasm",
    threads: Math.min(4, availableParallelism()),
  });
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
