// A decoder's folder as transformers saves it: config.json, model.safetensors or its shards, tokenizer.json,
// tokenizer_config.json, and where they are there chat_template.jinja and generation_config.json.
import { RetuneError } from "../../engine/errors.ts";
import { ChatFormat, type ChatFormatFiles } from "../chat/chat-format.ts";
import type { DecoderModel } from "../models/decoder-model.ts";
import { openDecoderFolder, type DecoderFiles } from "../models/weights/llama-weights.ts";
import { decodeText } from "../text/decode.ts";
import type { ByteSource } from "./safetensors.ts";

const TOKENIZER = "tokenizer.json";
const TOKENIZER_CONFIG = "tokenizer_config.json";
const TEMPLATE = "chat_template.jinja";
const GENERATION = "generation_config.json";
const MOST_TEXT = 64 * 2 ** 20; // the largest tokenizer.json in use has 33 MB

/** A file that is in memory, read in parts like any other. */
export function byteSource(bytes: Uint8Array): ByteSource {
  return { size: bytes.length, read: (from, to) => Promise.resolve(bytes.subarray(from, to)) };
}

/**
 * Opens the folder of a decoder; of the weights only headers are read. Throws "model-missing" naming the file that lacks, E_TOKENIZER,
 * E_TEMPLATE where there is no chat template, and the errors of `openDecoderFolder` ("unsupported", E_MISMATCH, E_FIELD, …).
 *
 * @param name what the model is called
 * @param folder put before paths in messages
 */
export async function openDecoder(
  files: DecoderFiles,
  { name = "decoder", folder }: { readonly name?: string; readonly folder?: string } = {},
): Promise<DecoderModel> {
  const weights = await openDecoderFolder(files, folder);
  const format = new ChatFormat(await chatFormatFiles(files, folder));
  const { config } = weights;
  const placeholders = config.raw["retune_placeholders"] === true;
  return { name, config, format, weights, placeholders, files };
}

/** The texts that say how the model reads a conversation. Throws "model-missing". */
async function chatFormatFiles(files: DecoderFiles, folder?: string): Promise<ChatFormatFiles> {
  const shown = (path: string): string => (folder === undefined ? path : `${folder}/${path}`);
  const optional = async (path: string): Promise<string | undefined> => {
    const source = files.get(path);
    if (!source) return undefined;
    if (source.size > MOST_TEXT) {
      const text = `${shown(path)} has ${source.size} bytes, more than ${MOST_TEXT} that such a file may have`;
      throw new RetuneError("E_TOKENIZER", text, { file: shown(path) });
    }
    return decodeText(await source.read(0, source.size), shown(path)).text;
  };
  const tokenizerJson = await optional(TOKENIZER);
  if (tokenizerJson === undefined) {
    const others = [...files.keys()].slice(0, 8).join(", ") || "nothing";
    const text = `${shown(TOKENIZER)} is missing, the folder has ${others}; choose a folder saved by transformers`;
    throw new RetuneError("model-missing", text, { file: shown(TOKENIZER) });
  }
  const [chatTemplate, generationConfigJson] = [await optional(TEMPLATE), await optional(GENERATION)];
  return {
    tokenizerJson,
    tokenizerConfigJson: (await optional(TOKENIZER_CONFIG)) ?? "{}",
    ...(chatTemplate === undefined ? {} : { chatTemplate }),
    ...(generationConfigJson === undefined ? {} : { generationConfigJson }),
  };
}
