// `llamaindex_router.py` of a router's folder: how LlamaIndex's selectors use it (llama-index-core 0.14, base_selector.py,
// embedding_selectors.py). scripts/peers/check_router.py runs each of them.
import type { TrainedRouter } from "../recipes/router/router-job.ts";

const TOP = `import json
import math
import pathlib

import numpy as np
`;

const FOLDER = `
HERE = pathlib.Path(__file__).parent
ROUTER = json.loads((HERE / "router.json").read_text("utf-8"))
CHOICES = [ToolMetadata(name=c["name"], description=c["text"]) for c in ROUTER["choices"]]


def probability(scores):
    """That the best of these scores names the right choice; below ROUTER["calibration"]["threshold"]: none of these."""
    c, ranked = ROUTER["calibration"], sorted(scores)
    sure = ranked[-1] - ranked[-2] if c["signal"] == "margin" and len(ranked) > 1 else ranked[-1]
    return 1 / (1 + math.exp(-(c["a"] * sure + c["b"])))
`;

const COSINES = `

def scores(embed_model, question):
    """Cosine of the question with every description, in the order of CHOICES."""
    query = np.array(embed_model.get_query_embedding(question))
    texts = load_file(HERE / "router.safetensors")["choices"]
    return (texts @ query) / (np.linalg.norm(texts, axis=1) * np.linalg.norm(query))
`;

/** A selector of one's own: `scores(question)` gives a number a choice. */
const SELECTOR = `
    def _select(self, choices, query):
        found = self.scores(query.query_str)
        best = int(np.argmax(found))
        reason = f"{CHOICES[best].name}, right with probability {probability(found):.2f}"
        return SelectorResult(selections=[SingleSelection(index=best, reason=reason)])

    async def _aselect(self, choices, query):
        return self._select(choices, query)

    def _get_prompts(self):
        return {}

    def _update_prompts(self, prompts):
        pass
`;

const ADAPTER = `"""EmbeddingSingleSelector with the tuned router; pip install llama-index-embeddings-adapter safetensors.

base = HuggingFaceEmbedding(…) or any embedding model of ROUTER["encoder"]["name"], with its queryInstruction
chosen = selector(base).select(CHOICES, "have we any relays left").ind
"""
${TOP}from llama_index.core.selectors import EmbeddingSingleSelector
from llama_index.core.tools import ToolMetadata
from llama_index.embeddings.adapter import AdapterEmbeddingModel
from safetensors.numpy import load_file
${FOLDER}

def tuned(base):
    """The base with the adapter behind every query."""
    return AdapterEmbeddingModel(base, str(HERE / "adapter"))


def selector(base):
    return EmbeddingSingleSelector.from_defaults(embed_model=tuned(base))
${COSINES}`;

const ENCODER = `"""EmbeddingSingleSelector with the tuned encoder; pip install llama-index-core sentence-transformers.

chosen = selector().select(CHOICES, "have we any relays left").ind
"""
${TOP}from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.selectors import EmbeddingSingleSelector
from llama_index.core.tools import ToolMetadata
from safetensors.numpy import load_file
from sentence_transformers import SentenceTransformer
${FOLDER}

class TunedEncoder(BaseEmbedding):
    def __init__(self):
        super().__init__()
        self._model = SentenceTransformer(str(HERE / "encoder"))

    def _get_query_embedding(self, query):
        return self._model.encode(ROUTER["encoder"]["queryInstruction"] + query).tolist()

    async def _aget_query_embedding(self, query):
        return self._get_query_embedding(query)

    def _get_text_embedding(self, text):
        return self._model.encode(ROUTER["encoder"]["documentInstruction"] + text).tolist()


def selector():
    return EmbeddingSingleSelector.from_defaults(embed_model=TunedEncoder())
${COSINES}`;

const SOFTMAX = `"""A selector like EmbeddingSingleSelector that uses the trained head; pip install llama-index-core safetensors.

base = HuggingFaceEmbedding(…) or any embedding model of ROUTER["encoder"]["name"], with its queryInstruction
chosen = SoftmaxSelector(base).select(CHOICES, "have we any relays left").ind
"""
${TOP}from llama_index.core.base.base_selector import BaseSelector, SelectorResult, SingleSelection
from llama_index.core.tools import ToolMetadata
from safetensors.numpy import load_file
${FOLDER}

class SoftmaxSelector(BaseSelector):
    def __init__(self, base):
        self._base, self._head = base, load_file(HERE / "router.safetensors")

    def scores(self, question):
        """The logit of every choice, in the order of CHOICES."""
        query = np.array(self._base.get_query_embedding(question))
        return self._head["head.weight"] @ (query / np.linalg.norm(query)) + self._head["head.bias"]
${SELECTOR}`;

const PAIRS = `"""A selector like EmbeddingSingleSelector that asks the cross-encoder; pip install llama-index-core sentence-transformers.

chosen = PairSelector().select(CHOICES, "have we any relays left").ind
"""
${TOP}from llama_index.core.base.base_selector import BaseSelector, SelectorResult, SingleSelection
from llama_index.core.tools import ToolMetadata
from sentence_transformers import CrossEncoder
from torch.nn import Identity
${FOLDER}

class PairSelector(BaseSelector):
    def __init__(self):
        self._model = CrossEncoder(str(HERE / "cross-encoder"))

    def scores(self, question):
        """The logit of every choice, in the order of CHOICES."""
        return self._model.predict([(question, c["text"]) for c in ROUTER["choices"]], activation_fn=Identity())
${SELECTOR}`;

/** The Python file that goes along with a router. */
export function routerSnippet(kind: TrainedRouter["kind"]): string {
  return { adapter: ADAPTER, encoder: ENCODER, softmax: SOFTMAX, "cross-encoder": PAIRS }[kind];
}
