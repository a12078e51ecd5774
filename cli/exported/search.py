"""Hybrid search with an adapter tuned by Retune: adapter.safetensors and fusion.json beside this file.

    search = HybridSearch(folder, passages, passage_vectors)
    for index, score in search.rank(question, embed(instruction + question)): print(passages[index])

`passage_vectors` [N, D] and `embed` come from the model that the adapter was trained with; the query instruction, where
there is one, stands in search.instruction. Needs numpy and safetensors.
"""

import collections
import json
import math
import pathlib
import re

import numpy as np
from safetensors import safe_open


def erf(x: np.ndarray) -> np.ndarray:
    return np.vectorize(math.erf)(x)


ACTIVATIONS = {
    "identity": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "gelu": lambda x: x / 2 * (1 + erf(x / math.sqrt(2))),
}


class Adapter:
    """y = f(x), layer after layer; with a residual y = r·f(x) + x. The result is not normalised."""

    def __init__(self, path: pathlib.Path) -> None:
        with safe_open(str(path), "np") as file:
            metadata = file.metadata()
            self.tensors = {name: file.get_tensor(name) for name in file.keys()}
        self.config = json.loads(metadata["retune"])
        self.instruction = metadata.get("query_instruction", "")

    def __call__(self, x: np.ndarray) -> np.ndarray:
        y = np.asarray(x, dtype=np.float64)
        for name, activation in self._layers():
            y = y @ self.tensors[f"{name}.weight"].T + self.tensors.get(f"{name}.bias", 0)
            y = ACTIVATIONS[activation](y)
        return self.tensors["residual_weight"] * y + x if self.config.get("add_residual") else y

    def _layers(self) -> list[tuple[str, str]]:
        if "layers" in self.config:
            return [(f"linear_layers.{i}", layer["activation"]) for i, layer in enumerate(self.config["layers"])]
        if "hidden_features" in self.config:
            return [("linear1", self.config["activation_fn_str"]), ("linear2", "identity")]
        return [("linear", "identity")]


class Bm25:
    """score = Σ idf·f·(k1 + 1) / (f + k1·(1 − b + b·length/average)), idf = ln(1 + (N − n + .5) / (n + .5))."""

    def __init__(self, passages: list[str], k1: float, b: float, tokens: str) -> None:
        self.words = re.compile(tokens)
        counts = [collections.Counter(self.words.findall(text.lower())) for text in passages]
        lengths = np.array([sum(count.values()) for count in counts])
        norms = k1 * (1 - b + b * lengths / max(1, lengths.mean()))
        self.size = len(passages)
        self.postings: dict[str, list[tuple[int, float]]] = collections.defaultdict(list)
        for index, count in enumerate(counts):
            for word, f in count.items():
                self.postings[word].append((index, f * (k1 + 1) / (f + norms[index])))

    def scores(self, question: str) -> np.ndarray:
        scores = np.zeros(self.size)
        for word in self.words.findall(question.lower()):
            postings = self.postings.get(word, [])
            idf = math.log(1 + (self.size - len(postings) + 0.5) / (len(postings) + 0.5))
            for index, weight in postings:
                scores[index] += idf * weight
        return scores


def z_scores(scores: np.ndarray) -> np.ndarray:
    deviation = scores.std()
    return (scores - scores.mean()) / deviation if deviation > 1e-12 else np.zeros_like(scores)


class HybridSearch:
    def __init__(self, folder: str, passages: list[str], passage_vectors: np.ndarray) -> None:
        root = pathlib.Path(folder)
        fusion = json.loads((root / "fusion.json").read_text())
        lexical = fusion["lexical"]
        self.weights = fusion["weights"]
        self.adapter = Adapter(root / "adapter.safetensors")
        self.instruction = self.adapter.instruction
        self.bm25 = Bm25(passages, lexical["k1"], lexical["b"], lexical["tokens"])
        self.vectors = passage_vectors / np.linalg.norm(passage_vectors, axis=1, keepdims=True)

    def dense(self, question_vector: np.ndarray) -> np.ndarray:
        """Cosines with every passage."""
        query = self.adapter(question_vector)
        return self.vectors @ (query / np.linalg.norm(query))

    def scores(self, question: str, question_vector: np.ndarray) -> np.ndarray:
        dense, lexical = z_scores(self.dense(question_vector)), z_scores(self.bm25.scores(question))
        return self.weights["dense"] * dense + self.weights["lexical"] * lexical

    def rank(self, question: str, question_vector: np.ndarray, top: int = 10) -> list[tuple[int, float]]:
        scores = self.scores(question, question_vector)
        return [(int(index), float(scores[index])) for index in np.argsort(-scores, kind="stable")[:top]]
