import { ChatFormat } from "../../../src/domain/chat/chat-format.ts";

const FLAGS = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };

/** A tokenizer of whole words with single spaces between them, and a template that ends turns. */
export function wordFormat(words: readonly string[]): ChatFormat {
  const control = ["<|start|>", "<|end|>"];
  const all = [...control, ...words];
  const tokenizer = {
    version: "1.0",
    added_tokens: control.map((content, id) => ({ id, content, ...FLAGS })),
    ...{ normalizer: null, pre_tokenizer: { type: "WhitespaceSplit" }, post_processor: null, decoder: null },
    model: {
      type: "WordLevel",
      vocab: Object.fromEntries(all.map((word, id) => [word, id])),
      unk_token: words[0],
    },
  };
  return new ChatFormat({
    tokenizerJson: JSON.stringify(tokenizer),
    tokenizerConfigJson: JSON.stringify({ eos_token: "<|end|>" }),
    chatTemplate:
      "{% for message in messages %}{{ '<|start|> ' + message.content + ' <|end|> ' }}{% endfor %}" +
      "{% if add_generation_prompt %}{{ '<|start|>' }}{% endif %}",
  });
}
