import { Tokenizer } from "@huggingface/tokenizers";
import { RetuneError } from "../../engine/errors.ts";
import { parseJson, plainJson, type JsonObject } from "../formats/json.ts";
import type { TokenizerText } from "../text/wordpiece.ts";
import { pieceBytes, type PieceBytes } from "./token-bytes.ts";

const SPECIAL_KEYS = ["bos_token", "eos_token", "unk_token", "pad_token"] as const;
type SpecialKey = (typeof SPECIAL_KEYS)[number];

/**
 * Text to ids and back for a decoder. Nothing is put around a text unless asked for: chat templates write their own
 * special tokens, and a second BOS is the commonest fault of fine-tuning data.
 */
export class DecoderTokenizer {
  /** Special tokens by the names that templates know: "bos_token", "eos_token", … */
  readonly special: Readonly<Partial<Record<SpecialKey, string>>>;
  readonly bos: number | undefined;
  readonly eos: number | undefined;
  readonly pad: number | undefined;
  readonly #tokenizer: Tokenizer;
  readonly #addsBos: boolean;
  readonly #control: ReadonlyMap<string, number>;
  readonly #added: ReadonlyMap<number, string>; // texts of added tokens, control tokens among them
  readonly #decoder: unknown; // as tokenizer.json states it
  #pieceBytes: PieceBytes | undefined;

  /** Throws E_TOKENIZER where the two files are no tokenizer, or name a special token that it does not have. */
  constructor({ tokenizerJson, tokenizerConfigJson }: TokenizerText) {
    const config = fileObject(tokenizerConfigJson, "tokenizer_config.json");
    const parsed = plainObject(tokenizerJson, "tokenizer.json");
    try {
      this.#tokenizer = new Tokenizer(withUnicodeDigits(parsed), plainJson(config) as object);
    } catch (error) {
      throw tokenizerError(`tokenizer.json cannot be used: ${String(error)}`, "tokenizer.json", error);
    }
    this.#decoder = parsed["decoder"];
    this.special = specialTokens(config);
    [this.bos, this.eos, this.pad] = [
      this.#idOf("bos_token"),
      this.#idOf("eos_token"),
      this.#idOf("pad_token"),
    ];
    const adds = config.entries.get("add_bos_token");
    const wanted = !(adds?.kind === "boolean" && !adds.value);
    this.#addsBos = wanted && this.bos !== undefined && this.#tokenizer.encode("").ids[0] === this.bos;
    this.#control = controlTokens(this.#tokenizer);
    const added = [...this.#tokenizer.get_added_tokens_decoder().values()];
    this.#added = new Map(added.map(({ id, content }) => [id, content]));
  }

  /** Ids of a text as it stands; special tokens only where the text spells them. */
  encode(text: string): number[] {
    return this.#tokenizer.encode(text, { add_special_tokens: false }).ids;
  }

  /** Ids of a text that no template wrote: with the one BOS of a model that wants it, and never an EOS. */
  encodePlain(text: string): number[] {
    const ids = this.encode(text);
    return this.#addsBos && ids[0] !== this.bos ? [this.bos!, ...ids] : ids;
  }

  /** Text of ids. `special: false` leaves out control tokens. Spaces stay as they are ("clean up" is never done). */
  decode(ids: readonly number[], { special = true }: { readonly special?: boolean } = {}): string {
    const kept = special ? [...ids] : ids.filter((id) => !this.isControl(id));
    return kept.length === 0 ? "" : this.#tokenizer.decode(kept, { clean_up_tokenization_spaces: false });
  }

  /** Id of a piece exactly as the vocabulary spells it. */
  idOf(piece: string): number | undefined {
    return this.#tokenizer.token_to_id(piece);
  }

  /** Whether an id is a special token (of tokenizer.json's added_tokens), such as the end of a turn. */
  isControl(id: number): boolean {
    const piece = this.#tokenizer.id_to_token(id);
    return piece !== undefined && this.#control.get(piece) === id;
  }

  /** The first control token that a text spells: it would be read as one, not as text. */
  controlTokenIn(text: string): string | undefined {
    for (const piece of this.#control.keys()) if (text.includes(piece)) return piece;
    return undefined;
  }

  /**
   * The bytes that a token adds to a text, which may end within a character; none for control tokens and ids of no piece. `first`: the
   * text begins with it. Throws "unsupported" for a decoder whose spelling is not known (token-bytes.ts).
   */
  bytesOf(id: number, first: boolean): Uint8Array {
    this.#pieceBytes ??= pieceBytes(this.#decoder);
    const piece = this.#tokenizer.id_to_token(id);
    if (piece === undefined || this.#control.get(piece) === id) return new Uint8Array(0);
    const added = this.#added.get(id);
    return added === undefined ? this.#pieceBytes(piece, first) : new TextEncoder().encode(added);
  }

  #idOf(key: SpecialKey): number | undefined {
    const piece = this.special[key];
    if (piece === undefined) return undefined;
    const id = this.#tokenizer.token_to_id(piece);
    if (id !== undefined) return id;
    const what = `${key} is ${JSON.stringify(piece)}, which tokenizer.json does not hold; the files belong to two models`;
    throw tokenizerError(`tokenizer_config.json: ${what}`, "tokenizer_config.json");
  }
}

/** A JSON file that is one object; E_TOKENIZER with its name otherwise. */
export function fileObject(text: string, file: string): JsonObject {
  try {
    const { root } = parseJson(text, file);
    if (root.kind === "object") return root;
  } catch (error) {
    throw tokenizerError(`${file} is not JSON: ${String(error)}`, file, error);
  }
  throw tokenizerError(`${file} holds no object`, file);
}

/** For tokenizer.json: megabytes of pieces, of which nobody needs to know the place. */
function plainObject(text: string, file: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw tokenizerError(`${file} is not JSON: ${String(error)}`, file, error);
  }
  throw tokenizerError(`${file} holds no object`, file);
}

/**
 * The pre-tokenizer "Digits" of tokenizers isolates every numeric character (Rust's char::is_numeric: ², ½, Ⅳ), that of
 * the JavaScript library only 0 to 9; as a split by a pattern both do the same. SmolLM2 has it.
 */
function withUnicodeDigits(tokenizer: Readonly<Record<string, unknown>>): object {
  return { ...tokenizer, pre_tokenizer: unicodeDigits(tokenizer["pre_tokenizer"]) };
}

function unicodeDigits(given: unknown): unknown {
  if (typeof given !== "object" || given === null) return given;
  const own = given as Readonly<Record<string, unknown>>;
  if (own["type"] === "Sequence" && Array.isArray(own["pretokenizers"]))
    return { ...own, pretokenizers: own["pretokenizers"].map(unicodeDigits) };
  if (own["type"] !== "Digits") return given;
  const Regex = own["individual_digits"] === true ? "\\p{N}" : "\\p{N}+";
  return { type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false };
}

/** Text of a token in a configuration: a string, or an object with its "content". */
function tokenText(config: JsonObject, key: string): string | undefined {
  const node = config.entries.get(key);
  const inner = node?.kind === "object" ? node.entries.get("content") : node;
  return inner?.kind === "string" ? inner.value : undefined;
}

function specialTokens(config: JsonObject): Partial<Record<SpecialKey, string>> {
  const found = SPECIAL_KEYS.flatMap((key) => {
    const text = tokenText(config, key);
    return text === undefined ? [] : [[key, text] as const];
  });
  return Object.fromEntries(found);
}

function controlTokens(tokenizer: Tokenizer): Map<string, number> {
  const added = [...tokenizer.get_added_tokens_decoder().values()];
  return new Map(added.filter(({ special }) => special).map(({ content, id }) => [content, id]));
}

function tokenizerError(text: string, file: string, cause?: unknown): RetuneError {
  return new RetuneError("E_TOKENIZER", text, { file }, cause === undefined ? {} : { cause });
}
