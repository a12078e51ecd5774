import { RetuneError } from "../../../engine/errors.ts";
import { parseJson, plainJson } from "../../formats/json.ts";
import { openStoredDecoder, STORED_DECODER } from "../../formats/stored-decoder.ts";
import { openSafetensors, type ByteSource, type OpenSafetensors } from "../../formats/safetensors.ts";
import { decodeText } from "../../text/decode.ts";
import { llamaConfigOf } from "../llama/config.ts";
import { llamaShapes } from "../llama/names.ts";
import type { DecoderFolder } from "./decoder-folder.ts";

export type { DecoderFolder };

const CONFIG = "config.json";
const WHOLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";

/** The files of a model's folder by relative path, none of them read yet. */
export type DecoderFiles = ReadonlyMap<string, ByteSource>;

/**
 * A decoder's folder: config.json and model.safetensors, the files that model.safetensors.index.json names, or weights kept as they
 * are computed with (`storedDecoderFile`). Only headers are read here. A head that repeats tied embeddings is left out. Throws
 * "model-missing" where a file lacks, "unsupported" for another architecture, E_MISMATCH for a tensor that is missing or misshapen,
 * and the errors of the formats, each with the file.
 */
export async function openDecoderFolder(files: DecoderFiles, folder?: string): Promise<DecoderFolder> {
  const shown = (path: string): string => (folder === undefined ? path : `${folder}/${path}`);
  const config = llamaConfigOf(await jsonOf(files, CONFIG, shown), shown(CONFIG));
  const stored = files.get(STORED_DECODER);
  if (stored) return await openStoredDecoder(stored, config, shown(STORED_DECODER));
  const paths = files.has(WHOLE) ? [WHOLE] : shardsOf(await jsonOf(files, INDEX, shown), shown(INDEX));
  const places = new Map<string, { readonly path: string; readonly file: OpenSafetensors }>();
  for (const path of paths) {
    const file = await openSafetensors(sourceOf(files, path, shown), shown(path));
    for (const name of file.shapes.keys()) places.set(name, { path, file });
  }
  for (const [name, shape] of llamaShapes(config)) {
    const found = places.get(name)?.file.shapes.get(name);
    if (found?.join() === shape.join()) continue;
    const got = found ? `is [${found.join(", ")}]` : "is missing";
    const text = `tensor "${name}" ${got}, config.json asks for [${shape.join(", ")}]`;
    const place = places.get(name)?.path ?? paths[0]!;
    throw new RetuneError("E_MISMATCH", `${shown(place)}: ${text}. Choose the files of one model.`);
  }
  return {
    config,
    names: [...llamaShapes(config).keys()],
    tensor: (name) => places.get(name)!.file.tensor(name),
    rows: (name, first, end) => places.get(name)!.file.rows(name, first, end),
  };
}

type Shown = (path: string) => string;

function sourceOf(files: DecoderFiles, path: string, shown: Shown): ByteSource {
  const source = files.get(path);
  if (source) return source;
  const others = [...files.keys()].slice(0, 8).join(", ") || "nothing";
  const wanted = path === INDEX ? `${shown(WHOLE)} (or ${INDEX} with its files)` : shown(path);
  const text = `${wanted} is missing, the folder has ${others}; choose a folder saved by transformers`;
  throw new RetuneError("model-missing", text, { file: shown(path) });
}

async function jsonOf(files: DecoderFiles, path: string, shown: Shown): Promise<Record<string, unknown>> {
  const source = sourceOf(files, path, shown);
  const file = shown(path);
  const { root } = parseJson(decodeText(await source.read(0, source.size), file).text, file);
  if (root.kind === "object") return plainJson(root) as Record<string, unknown>;
  throw new RetuneError("E_JSON", `${file} holds no object.`, { file });
}

/** The files that hold tensors, each once. */
function shardsOf(index: Record<string, unknown>, file: string): readonly string[] {
  const map = index["weight_map"];
  const paths = typeof map === "object" && map !== null ? Object.values(map as Record<string, unknown>) : [];
  if (paths.length > 0 && paths.every((path) => typeof path === "string")) return [...new Set(paths)];
  throw new RetuneError("E_FIELD", `${file}: weight_map names no files`, { file });
}
