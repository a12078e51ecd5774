// The Python that goes along with a router (llama-index-core 0.14, base_selector.py, embedding_selectors.py):
//   llamaindex_router.py   how LlamaIndex's selectors use it, in twenty lines
//   router_probability.py  how sure it is of its answer, and what "none of these" is
// scripts/peers/check_router.py runs both.
import type { TrainedRouter } from "../recipes/router/router-job.ts";

const CHOICES = `
HERE = pathlib.Path(__file__).parent
ROUTER = json.loads((HERE / "router.json").read_text("utf-8"))
CHOICES = [ToolMetadata(name=c["name"], description=c["text"]) for c in ROUTER["choices"]]
`;

const ADAPTER = `"""selector(base).select(CHOICES, question).ind; base: an embedding model of ROUTER["encoder"]"""
# pip install llama-index-embeddings-adapter
import json
import pathlib

from llama_index.core.selectors import EmbeddingSingleSelector
from llama_index.core.tools import ToolMetadata
from llama_index.embeddings.adapter import AdapterEmbeddingModel
${CHOICES}

def selector(base):
    """The adapter stands behind every query, which base puts its queryInstruction before."""
    tuned = AdapterEmbeddingModel(base, str(HERE / "adapter"))
    return EmbeddingSingleSelector.from_defaults(embed_model=tuned)
`;

const ENCODER = `"""selector().select(CHOICES, question).ind; pip install llama-index-core sentence-transformers"""
import json, pathlib

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.selectors import EmbeddingSingleSelector
from llama_index.core.tools import ToolMetadata
from sentence_transformers import SentenceTransformer
${CHOICES}MODEL = SentenceTransformer(str(HERE / "encoder"))


class TunedEncoder(BaseEmbedding):
    def _get_query_embedding(self, query):
        return MODEL.encode(ROUTER["encoder"]["queryInstruction"] + query).tolist()

    async def _aget_query_embedding(self, query):
        return self._get_query_embedding(query)

    def _get_text_embedding(self, text):
        return MODEL.encode(ROUTER["encoder"]["documentInstruction"] + text).tolist()


def selector():
    return EmbeddingSingleSelector.from_defaults(embed_model=TunedEncoder())
`;

/** A selector of one's own: `scores(question)` gives a number a choice. */
const SELECTOR = `
    def _select(self, choices, query):
        best = int(self.scores(query.query_str).argmax())
        return SelectorResult(selections=[SingleSelection(index=best, reason=CHOICES[best].name)])

    async def _aselect(self, choices, query):
        return self._select(choices, query)

    _get_prompts = _update_prompts = lambda self, *prompts: {}
`;

const SOFTMAX = `"""Like EmbeddingSingleSelector: SoftmaxSelector(base).select(CHOICES, question).ind"""
import json, pathlib

import numpy as np
from llama_index.core.base.base_selector import BaseSelector, SelectorResult, SingleSelection
from llama_index.core.tools import ToolMetadata
from safetensors.numpy import load_file

ROUTER = json.loads(pathlib.Path(__file__).with_name("router.json").read_text("utf-8"))
CHOICES = [ToolMetadata(name=c["name"], description=c["text"]) for c in ROUTER["choices"]]


class SoftmaxSelector(BaseSelector):
    def __init__(self, base):
        self._base, self._head = base, load_file(pathlib.Path(__file__).with_name("router.safetensors"))

    def scores(self, question):
        query = np.array(self._base.get_query_embedding(question))
        return self._head["head.weight"] @ (query / np.linalg.norm(query)) + self._head["head.bias"]
${SELECTOR}`;

const PAIRS = `"""Like EmbeddingSingleSelector: PairSelector().select(CHOICES, question).ind"""
import json, pathlib

from llama_index.core.base.base_selector import BaseSelector, SelectorResult, SingleSelection
from llama_index.core.tools import ToolMetadata
from sentence_transformers import CrossEncoder
from torch.nn import Identity
${CHOICES}MODEL = CrossEncoder(str(HERE / "cross-encoder"))


class PairSelector(BaseSelector):
    def scores(self, question):
        return MODEL.predict([(question, c.description) for c in CHOICES], activation_fn=Identity())
${SELECTOR}`;

const PROBABILITY = `"""How sure the router is; below ROUTER["calibration"]["threshold"] the answer is "none of these"."""

import json
import math
import pathlib

ROUTER = json.loads(pathlib.Path(__file__).with_name("router.json").read_text("utf-8"))


def probability(scores):
    """That the best of these scores (a number a choice, in their order) names the right one."""
    c, ranked = ROUTER["calibration"], sorted(scores)
    sure = ranked[-1] - ranked[-2] if c["signal"] == "margin" and len(ranked) > 1 else ranked[-1]
    return 1 / (1 + math.exp(-(c["a"] * sure + c["b"])))
`;

const COSINES = `

def cosines(embed_model, question):
    """Scores of a router that embeds: embed_model is the selector's own (selector._embed_model)."""
    import numpy as np
    from safetensors.numpy import load_file

    query = np.array(embed_model.get_query_embedding(question))
    texts = load_file(pathlib.Path(__file__).with_name("router.safetensors"))["choices"]
    return (texts @ query) / (np.linalg.norm(texts, axis=1) * np.linalg.norm(query))
`;

const SNIPPETS = { adapter: ADAPTER, encoder: ENCODER, softmax: SOFTMAX, "cross-encoder": PAIRS };

/** The Python files that go along with a router, by name. */
export function routerSnippets(kind: TrainedRouter["kind"]): ReadonlyMap<string, string> {
  const embeds = kind === "adapter" || kind === "encoder";
  return new Map([
    ["llamaindex_router.py", SNIPPETS[kind]],
    ["router_probability.py", PROBABILITY + (embeds ? COSINES : "")],
  ]);
}
