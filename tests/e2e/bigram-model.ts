import { DATA_TYPE, draftNode, valueInfo } from "../../src/domain/formats/onnx/onnx-draft.ts";
import { ProtoMessage } from "../../src/domain/formats/onnx/protobuf.ts";

// The smallest instruct model that transformers.js runs: the next word depends on the last one alone, so whatever it is
// asked it writes one sentence. Its cache of keys and values grows as a real one's does.
//   logits[b, t] = table[ids[b, t]]          present = past ⊕ zeros for every new position

const WORDS = ["<unk>", "<s>", "</s>", "<|user|>", "<|assistant|>", "Who", "signs", "the", "form", "?"];
const CHAIN = ["<|assistant|>", "Who", "signs", "the", "form", "?", "</s>"];
const WIDTH = 4;

function table(): Float32Array {
  const values = new Float32Array(WORDS.length * WORDS.length);
  for (const [index, word] of CHAIN.slice(0, -1).entries()) {
    values[WORDS.indexOf(word) * WORDS.length + WORDS.indexOf(CHAIN[index + 1]!)] = 10;
  }
  return values;
}

function tensor(name: string, shape: readonly number[], values: Float32Array): ProtoMessage {
  const message = new ProtoMessage();
  for (const size of shape) message.integer(1, size);
  return message
    .integer(2, DATA_TYPE.float)
    .text(8, name)
    .bytes(9, new Uint8Array(values.buffer.slice(0)));
}

function model(): Uint8Array {
  const graph = new ProtoMessage();
  const nodes = [
    draftNode("Gather", "next", ["table", "input_ids"], ["logits"]),
    draftNode("Gather", "rows", ["nothing", "input_ids"], ["fresh"]),
    draftNode("Unsqueeze", "head", ["fresh"], ["fresh_head"], { axes: [1] }),
    ...["key", "value"].map((part) =>
      draftNode("Concat", part, [`past_key_values.0.${part}`, "fresh_head"], [`present.0.${part}`], {
        axis: 2,
      }),
    ),
  ];
  for (const node of nodes) graph.bytes(1, node.message);
  graph.text(2, "bigram");
  graph.message(5, tensor("table", [WORDS.length, WORDS.length], table()));
  graph.message(5, tensor("nothing", [WORDS.length, WIDTH], new Float32Array(WORDS.length * WIDTH)));
  for (const name of ["input_ids", "attention_mask", "position_ids"]) {
    graph.message(
      11,
      valueInfo(name, DATA_TYPE.int64, ["batch", name === "attention_mask" ? "all" : "time"]),
    );
  }
  for (const part of ["key", "value"]) {
    graph.message(11, valueInfo(`past_key_values.0.${part}`, DATA_TYPE.float, ["batch", 1, "past", WIDTH]));
  }
  graph.message(12, valueInfo("logits", DATA_TYPE.float, ["batch", "time", WORDS.length]));
  for (const part of ["key", "value"]) {
    graph.message(12, valueInfo(`present.0.${part}`, DATA_TYPE.float, ["batch", 1, "all", WIDTH]));
  }
  const opset = new ProtoMessage().text(1, "").integer(2, 11);
  return new ProtoMessage().integer(1, 7).text(2, "test").message(7, graph).message(8, opset).finish();
}

const CONFIG = {
  model_type: "llama",
  architectures: ["LlamaForCausalLM"],
  vocab_size: WORDS.length,
  hidden_size: WIDTH,
  intermediate_size: WIDTH,
  num_hidden_layers: 1,
  num_attention_heads: 1,
  num_key_value_heads: 1,
  bos_token_id: 1,
  eos_token_id: 2,
};

const special = (content: string): object => ({
  id: WORDS.indexOf(content),
  content,
  special: true,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
});

const TOKENIZER = {
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: WORDS.slice(0, 5).map(special),
  normalizer: null,
  pre_tokenizer: { type: "Whitespace" },
  post_processor: null,
  decoder: null,
  model: {
    type: "WordLevel",
    unk_token: "<unk>",
    vocab: Object.fromEntries(WORDS.map((word, index) => [word, index])),
  },
};

const TOKENIZER_CONFIG = {
  tokenizer_class: "PreTrainedTokenizerFast",
  bos_token: "<s>",
  eos_token: "</s>",
  unk_token: "<unk>",
  chat_template:
    "{% for message in messages %}<|user|> {{ message['content'] }} {% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
};

/** The files of the model folder, by path. */
export function bigramModel(): ReadonlyMap<string, Buffer> {
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  return new Map([
    ["config.json", json(CONFIG)],
    ["generation_config.json", json({ bos_token_id: 1, eos_token_id: 2 })],
    ["tokenizer.json", json(TOKENIZER)],
    ["tokenizer_config.json", json(TOKENIZER_CONFIG)],
    ["onnx/model.onnx", Buffer.from(model())],
  ]);
}
