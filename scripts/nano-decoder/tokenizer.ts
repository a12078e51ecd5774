// The nano language's tokenizer: byte-level, with whole words as pieces and no merges (ignore_merges, as Llama 3 has it): a word of
// the vocabulary is one token with the space before it, any other text falls to its bytes, so that every text is read exactly.
// Fixed texts of prompts are one token each (added tokens that are not special).
const SPECIAL = [
  "<|pad|>",
  "<|end|>",
  "<|system|>",
  "<|user|>",
  "<|assistant|>",
  "<|tools|>",
  "<|tool|>",
] as const;
export const END = SPECIAL[1];
const WORDS = " ?[A-Za-z]+[0-9]*| ?[0-9]| ?[^\\sA-Za-z0-9]+|\\s";

/** GPT-2's map of bytes to letters that can be seen. */
const LETTERS: readonly string[] = byteLetters();

export interface NanoTokenizerFiles {
  readonly tokenizerJson: string;
  readonly tokenizerConfigJson: string;
  readonly chatTemplate: string;
  readonly size: number; // of the vocabulary
}

/**
 * @param texts whose words are pieces: every text of the nano language, or enough of each kind
 * @param phrases fixed texts that are one token each
 */
export function nanoTokenizer(texts: Iterable<string>, phrases: readonly string[]): NanoTokenizerFiles {
  const vocabulary = [...SPECIAL, ...[...LETTERS].sort(byUnits), ...piecesOf(texts)];
  const own = phrases.filter((phrase) => !vocabulary.includes(phrase));
  const added = [
    ...SPECIAL.map((content, id) => addedToken(id, content, true)),
    ...own.map((content, place) => addedToken(vocabulary.length + place, content, false)),
  ];
  const file = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: WORDS }, behavior: "Isolated", invert: false },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false },
    model: {
      type: "BPE",
      ...{ dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null },
      ...{ fuse_unk: false, byte_fallback: false, ignore_merges: true },
      vocab: Object.fromEntries(vocabulary.map((piece, id) => [piece, id])),
      merges: [],
    },
  };
  return {
    tokenizerJson: `${JSON.stringify(file, null, 1)}\n`,
    tokenizerConfigJson: `${JSON.stringify(tokenizerConfig(), null, 1)}\n`,
    chatTemplate: CHAT_TEMPLATE,
    size: vocabulary.length + own.length,
  };
}

/** Words as the vocabulary spells them, each once, in order. */
function piecesOf(texts: Iterable<string>): string[] {
  const pieces = new Set<string>();
  for (const text of texts)
    for (const [word] of text.matchAll(new RegExp(WORDS, "g"))) pieces.add(lettersOf(word));
  for (const letter of LETTERS) pieces.delete(letter);
  return [...pieces].sort(byUnits);
}

/** Every turn ends with <|end|>, nothing stands around it; functions are named with their arguments in quotes. */
const CHAT_TEMPLATE = [
  "{%- if tools -%}<|tools|>{%- for tool in tools -%}",
  '"{{ tool.function.name }}"',
  "{%- for name in (tool.function.parameters or {}).get('properties', {}) %} \"{{ name }}\"{%- endfor -%}",
  "{{ '\\n' }}{%- endfor -%}<|end|>{%- endif -%}",
  "{%- for message in messages -%}",
  "<|{{ message.role }}|>{{ message.content or '' }}",
  "{%- for call in message.tool_calls or [] -%}",
  '{"name": {{ call.function.name | tojson }}, "arguments": {{ call.function.arguments | tojson }}}',
  "{%- endfor -%}<|end|>",
  "{%- endfor -%}",
  "{%- if add_generation_prompt -%}<|assistant|>{%- endif -%}",
].join("");

function tokenizerConfig(): object {
  return {
    tokenizer_class: "PreTrainedTokenizerFast",
    model_max_length: 512,
    eos_token: END,
    pad_token: SPECIAL[0],
    clean_up_tokenization_spaces: false,
    chat_template: CHAT_TEMPLATE,
  };
}

function addedToken(id: number, content: string, special: boolean): object {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special };
}

function lettersOf(word: string): string {
  return Array.from(new TextEncoder().encode(word), (byte) => LETTERS[byte]!).join("");
}

function byteLetters(): string[] {
  const seen = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(seen(byte) ? byte : 256 + others++));
}

function byUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
