"""An ONNX decoder of SmolLM2-135M's shape with random weights, as exports for transformers.js are laid out (com.microsoft operators:
GroupQueryAttention with rotation inside, SimplifiedLayerNormalization; past and present keys and values as inputs and outputs).
Usage: random_decoder_onnx.py FOLDER [q4]: config.json and onnx/model.onnx in f32, or onnx/model_q4.onnx with MatMulNBits."""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

V, D, FF, LAYERS, HEADS, KV, HD, THETA, EPS, POSITIONS = 49152, 576, 1536, 30, 9, 3, 64, 1e5, 1e-5, 512
MS = "com.microsoft"
CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": V, "hidden_size": D,
    "intermediate_size": FF, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": KV,
    "max_position_embeddings": 8192, "rms_norm_eps": EPS, "rope_theta": THETA, "tie_word_embeddings": True,
    "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu",
}
random = np.random.default_rng(0)


class Builder:
    def __init__(self, bits):
        self.bits = bits
        self.nodes = []
        self.tensors = []

    def tensor(self, name, values):
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, kind, inputs, outputs, domain="", **attributes):
        self.nodes.append(helper.make_node(kind, inputs, outputs, domain=domain, **attributes))
        return outputs[0]

    def product(self, name, x, rows, columns, weights=None):
        """x [.., columns] times a matrix of `rows` outputs."""
        weights = weights if weights is not None else noise(rows, columns)
        if self.bits == 32:
            return self.node("MatMul", [x, self.tensor(f"{name}.w", weights.T)], [f"{name}.y"])
        packed, scales = nibbles(weights)
        inputs = [x, self.tensor(f"{name}.q", packed), self.tensor(f"{name}.s", scales)]
        return self.node("MatMulNBits", inputs, [f"{name}.y"], MS, K=columns, N=rows, bits=4, block_size=32, accuracy_level=4)

    def norm(self, name, x):
        ones = self.tensor(f"{name}.g", np.ones(D, np.float32))
        return self.node("SimplifiedLayerNormalization", [x, ones], [f"{name}.y"], axis=-1, epsilon=EPS, stash_type=1)


def noise(rows, columns):
    return random.standard_normal((rows, columns), dtype=np.float32) * 0.02


def nibbles(weights):
    """4 bits a value in blocks of 32 along the inputs, zero point 8, two values in a byte."""
    rows, columns = weights.shape
    blocks = weights.reshape(rows, columns // 32, 32)
    scales = np.abs(blocks).max(axis=2) / 7
    values = np.clip(np.round(blocks / scales[..., None]) + 8, 0, 15).astype(np.uint8)
    return values[..., 0::2] | (values[..., 1::2] << 4), scales.astype(np.float32)


def layer(graph, index, hidden, shared):
    name = f"l{index}"
    seen = graph.norm(f"{name}.n1", hidden)
    query, key, value = (graph.product(f"{name}.{side}", seen, rows, D) for side, rows in [("q", HEADS * HD), ("k", KV * HD), ("v", KV * HD)])
    past = [f"past_key_values.{index}.{side}" for side in ("key", "value")]
    present = [f"present.{index}.{side}" for side in ("key", "value")]
    attended = graph.node(
        "GroupQueryAttention", [query, key, value, *past, *shared], [f"{name}.a", *present], MS,
        num_heads=HEADS, kv_num_heads=KV, do_rotary=1, rotary_interleaved=0, scale=HD**-0.5,
    )
    middle = graph.node("Add", [hidden, graph.product(f"{name}.o", attended, D, HEADS * HD)], [f"{name}.m"])
    seen = graph.norm(f"{name}.n2", middle)
    gate, up = (graph.product(f"{name}.{side}", seen, FF, D) for side in ("gate", "up"))
    sigmoid = graph.node("Sigmoid", [gate], [f"{name}.sig"])
    wide = graph.node("Mul", [graph.node("Mul", [gate, sigmoid], [f"{name}.silu"]), up], [f"{name}.wide"])
    return graph.node("Add", [middle, graph.product(f"{name}.down", wide, D, FF)], [f"{name}.out"])


def lengths(graph):
    """What GroupQueryAttention wants to know, from the attention mask."""
    axis, one = graph.tensor("axis", np.array([1], np.int64)), graph.tensor("one", np.array([1], np.int64))
    total = graph.node("ReduceSum", ["attention_mask", axis], ["mask.sum"], keepdims=0)
    last = graph.node("Cast", [graph.node("Sub", [total, one], ["mask.last"])], ["seqlens_k"], to=TensorProto.INT32)
    width = graph.node("Gather", [graph.node("Shape", ["attention_mask"], ["mask.shape"]), graph.tensor("two", np.array(1, np.int64))], ["mask.width"])
    return [last, graph.node("Cast", [width], ["total_sequence_length"], to=TensorProto.INT32)]


def model(bits):
    graph = Builder(bits)
    table = noise(V, D)
    hidden = graph.node("Gather", [graph.tensor("embeddings", table), "input_ids"], ["hidden"])
    angles = np.outer(np.arange(POSITIONS), THETA ** (-np.arange(0, HD, 2) / HD))
    shared = [*lengths(graph), graph.tensor("cos", np.cos(angles).astype(np.float32)), graph.tensor("sin", np.sin(angles).astype(np.float32))]
    for index in range(LAYERS):
        hidden = layer(graph, index, hidden, shared)
    seen = graph.norm("final", hidden)
    if bits == 32:
        transposed = graph.node("Transpose", ["embeddings"], ["embeddings.t"], perm=[1, 0])
        graph.node("MatMul", [seen, transposed], ["logits"])
    else:
        graph.node("Identity", [graph.product("head", seen, V, D, table)], ["logits"])
    return assembled(graph)


def assembled(graph):
    ids = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch_size", length]) for name, length in [("input_ids", "sequence_length"), ("attention_mask", "total_sequence_length")]]
    cache = lambda prefix, length: [
        helper.make_tensor_value_info(f"{prefix}.{index}.{side}", TensorProto.FLOAT, ["batch_size", KV, length, HD])
        for index in range(LAYERS) for side in ("key", "value")
    ]
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch_size", "sequence_length", V])
    made = helper.make_graph(graph.nodes, "decoder", [*ids, *cache("past_key_values", "past_sequence_length")], [logits, *cache("present", "total_sequence_length")], graph.tensors)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(MS, 1)]
    return helper.make_model(made, opset_imports=opsets, ir_version=9)


def main():
    folder, bits = Path(sys.argv[1]), 4 if "q4" in sys.argv[2:] else 32
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": -1, "bos_token_id": 1}))
    onnx.save(model(bits), folder / "onnx" / ("model.onnx" if bits == 32 else "model_q4.onnx"))


main()
