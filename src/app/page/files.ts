import type { SentBytes, SentFile } from "../protocol/calls.ts";
import type { ExportedFile } from "../studio-models.ts";

/** A file as it crosses to a worker: by reference, and without asking the disk for its size, which holds up the page. */
export function sent(file: File): SentFile {
  return { name: file.webkitRelativePath || file.name, blob: file };
}

const TYPES: Record<string, string> = {
  json: "application/json",
  csv: "text/csv",
  zip: "application/zip",
};

export function asFile({ name, bytes, verified }: SentBytes): ExportedFile {
  const type = TYPES[name.split(".").at(-1)!] ?? "application/octet-stream";
  return { name, blob: new Blob([bytes], { type }), verified };
}

/** A picked folder as what a model needs of it, by path inside the folder; weights that lie flat go where they belong. */
export function folderFiles(
  files: readonly File[],
  wanted = MODEL_FILES,
): {
  readonly name: string;
  readonly kept: Map<string, Blob>;
} {
  const paths = files.map((file) => (file.webkitRelativePath || file.name).split("/"));
  const name = paths[0]?.length === 1 ? "model" : (paths[0]?.[0] ?? "");
  const kept = new Map<string, Blob>();
  for (const [index, path] of paths.entries()) {
    const inside = (path.length > 1 ? path.slice(1) : path).join("/");
    const at = /\.onnx(_data\w*)?$/.test(inside) && !inside.startsWith("onnx/") ? `onnx/${inside}` : inside;
    if (wanted.test(at)) kept.set(at, files[index]!);
  }
  return { name, kept };
}

const MODEL_FILES = /^(onnx\/model(_quantized)?\.onnx|model\.safetensors|vocab\.txt|[\w./-]+\.json)$/;

/** What transformers.js may ask for of an instruct model, in any precision. */
export const INSTRUCT_FOLDER = /^(onnx\/model(_\w+)?\.onnx(_data\w*)?|[\w./-]+\.(json|jinja|txt|model))$/;
