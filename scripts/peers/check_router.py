"""Routes the sample's test questions by every exported router with LlamaIndex's selectors; one line a check.

Usage: check_router.py FOLDER
FOLDER holds one router a folder with expected.json, and vectors.json {text: vector} (node scripts/peers/router_exports.mjs).
A check passes where scores agree to 1e-5 relative to max(1, |score|) and every choice is the same.
"""

import importlib.util
import json
import pathlib
import sys
import traceback
from typing import List

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding

DATA = pathlib.Path(sys.argv[1])
TOLERANCE = 1e-5


class LookUp(BaseEmbedding):
    """An embedding model that knows the vectors of the sample's texts."""

    _vectors: dict

    def __init__(self) -> None:
        super().__init__()
        self._vectors = json.loads((DATA / "vectors.json").read_text("utf-8"))

    def _get_query_embedding(self, query: str) -> List[float]:
        return self._vectors[query]

    async def _aget_query_embedding(self, query: str) -> List[float]:
        return self._vectors[query]

    def _get_text_embedding(self, text: str) -> List[float]:
        return self._vectors[text]


def load(kind: str, name: str):
    path = DATA / kind / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"{name}_{kind.replace('-', '_')}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def opened(kind: str, module, cosines):
    """The selector of a kind, and its scores of one question."""
    base = LookUp()
    if kind in ("adapter", "encoder"):
        selector = module.selector(*([base] if kind == "adapter" else []))
        return selector, lambda text: cosines(selector._embed_model, text)
    selector = module.SoftmaxSelector(base) if kind == "softmax" else module.PairSelector()
    return selector, selector.scores


def check(kind: str) -> None:
    module, sure = load(kind, "llamaindex_router"), load(kind, "router_probability")
    selector, scores = opened(kind, module, getattr(sure, "cosines", None))
    expected = json.loads((DATA / kind / "expected.json").read_text("utf-8"))
    worst = worst_probability = 0.0
    wrong = 0
    for row in expected:
        want, got = np.array(row["scores"]), np.array(scores(row["text"]))
        worst = max(worst, float(np.max(np.abs(got - want) / np.maximum(1, np.abs(want)))))
        worst_probability = max(worst_probability, abs(sure.probability(got) - row["probability"]))
        wrong += selector.select(module.CHOICES, row["text"]).ind != row["choice"]
    passed = worst <= TOLERANCE and worst_probability <= 1e-4 and wrong == 0
    text = f"router {kind}: {len(expected)} questions, scores to {worst:.1e}, probabilities to {worst_probability:.1e}"
    print(f"{'ok     ' if passed else 'FAILED '} {text}, {wrong} choices differ", flush=True)


for name in ["adapter", "softmax", "encoder", "cross-encoder"]:
    try:
        check(name)
    except Exception:
        traceback.print_exc()
        print(f"FAILED  router {name}: {traceback.format_exc().strip().splitlines()[-1]}", flush=True)
