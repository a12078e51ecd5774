// The four tokenizer files of a Hugging Face folder from the two we keep. tokenizer.json goes out as it came in; vocab.txt
// and special_tokens_map.json are for readers older than it; tokenizer_config.json gets what transformers 4 and 5 need:
// "TokenizersBackend" is unknown to 4, and 5 builds a BertTokenizer anew from its settings, so they must be the ones
// tokenizer.json states.
import { RetuneError } from "../../engine/errors.ts";
import type { TokenizerFiles } from "../models/encoder-model.ts";
import { jsonFile, utf8 } from "./folder-reader.ts";
import { JsonFields } from "./json-fields.ts";

const SPECIAL = {
  unk_token: "[UNK]",
  sep_token: "[SEP]",
  pad_token: "[PAD]",
  cls_token: "[CLS]",
  mask_token: "[MASK]",
} as const;

/** Machine paths and other traces of where a file was loaded from. */
const TRACES = ["name_or_path", "_name_or_path", "is_local", "local_files_only", "backend"];

/** tokenizer.json, tokenizer_config.json, special_tokens_map.json and, for WordPiece, vocab.txt. */
export function writeTokenizerFiles(
  tokenizer: TokenizerFiles,
  maxTokens: number,
): ReadonlyMap<string, Uint8Array> {
  const parsed = parsedTokenizer(tokenizer.tokenizerJson);
  const given = { ...JsonFields.parse(tokenizer.tokenizerConfigJson, "tokenizer_config.json").plain() };
  for (const key of TRACES) delete given[key];
  const special = Object.fromEntries(
    Object.entries(SPECIAL).map(([key, usual]) => [key, tokenText(given[key]) ?? usual]),
  );
  const config = {
    ...given,
    ...special,
    ...normalizerSettings(parsed),
    model_max_length: maxTokens,
    tokenizer_class: tokenizerClass(parsed, given),
  };
  const files = new Map([
    ["tokenizer.json", utf8(tokenizer.tokenizerJson)],
    ["tokenizer_config.json", jsonFile(config)],
    ["special_tokens_map.json", jsonFile(special)],
  ]);
  if (parsed.model?.type === "WordPiece") files.set("vocab.txt", vocabulary(parsed.model.vocab ?? {}));
  return files;
}

interface ParsedTokenizer {
  readonly normalizer?: Readonly<Record<string, unknown>> | null;
  readonly model?: { readonly type?: string; readonly vocab?: Readonly<Record<string, number>> };
}

function parsedTokenizer(text: string): ParsedTokenizer {
  try {
    return JSON.parse(text) as ParsedTokenizer;
  } catch (error) {
    const message = "tokenizer.json: not JSON; choose the model's folder again";
    throw new RetuneError("E_TOKENIZER", message, { file: "tokenizer.json" }, { cause: error });
  }
}

function tokenText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  const content = (value as { content?: unknown } | undefined)?.content; // an AddedToken
  return typeof content === "string" ? content : undefined;
}

function normalizerSettings({ normalizer }: ParsedTokenizer): Readonly<Record<string, unknown>> {
  if (normalizer?.["type"] !== "BertNormalizer") return {};
  return {
    do_lower_case: normalizer["lowercase"] ?? true,
    strip_accents: normalizer["strip_accents"] ?? null,
    tokenize_chinese_chars: normalizer["handle_chinese_chars"] ?? true,
  };
}

/** BertTokenizer where 5.x would build the same one again; else the class that takes tokenizer.json as it is. */
function tokenizerClass(parsed: ParsedTokenizer, given: Readonly<Record<string, unknown>>): string {
  const plain = parsed.model?.type === "WordPiece" && parsed.normalizer?.["type"] === "BertNormalizer";
  if (plain) return "BertTokenizer";
  const named = given["tokenizer_class"];
  return typeof named === "string" && named !== "TokenizersBackend" ? named : "PreTrainedTokenizerFast";
}

function vocabulary(vocab: Readonly<Record<string, number>>): Uint8Array {
  const pieces: string[] = [];
  for (const [piece, id] of Object.entries(vocab)) pieces[id] = piece;
  return utf8(`${Array.from(pieces, (piece, id) => piece ?? `[unused-${id}]`).join("\n")}\n`);
}
