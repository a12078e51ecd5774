import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { OnnxEncoder } from "../../src/app/encoders/onnx-encoder.ts";
import type { ModelFiles } from "../../src/app/encoders/model-files.ts";
import type { Encoder } from "../../src/domain/ports.ts";
import { modelFolder } from "./models.ts";
import { ProgressLine } from "./progress.ts";

/**
 * Opens the ONNX model named by a job or by `--model`, on the CPU (onnxruntime's WASM, all cores up to four). A folder
 * is relative to `beside`: the job's, or where the person stands.
 */
export async function openEncoder(root: string, model: string, beside = "."): Promise<Encoder> {
  const line = new ProgressLine(`loading ${basename(model)}`);
  const files = diskModelFiles(await modelFolder(root, model, beside));
  const encoder = await OnnxEncoder.open(files, {
    device: "wasm",
    threads: Math.min(4, availableParallelism()),
  });
  line.finish(`${encoder.identity.dimension} dimensions`);
  return encoder;
}

/** A model folder on disk; exports that keep model.onnx beside the tokenizer are read as well. */
function diskModelFiles(folder: string): ModelFiles {
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
