"""LlamaIndex's adapter engine on a dataset, timed: it embeds every text again in every epoch, one at a time.

Usage: llamaindex_engine.py DATASET.json MODEL_FOLDER EPOCHS [STEPS]
With STEPS only so many steps of one epoch are run. Prints one JSON line. The embedding model is the same ONNX file as
ours, in onnxruntime's native build.
"""

import json
import pathlib
import sys
import tempfile
import time
from typing import Any, List

import numpy
import onnxruntime
import tokenizers
from llama_index.core.base.embeddings.base import BaseEmbedding

from llamaindex_original import EmbeddingAdapterFinetuneEngine, EmbeddingQAFinetuneDataset


class OnnxEmbedding(BaseEmbedding):
    """bge in onnxruntime: CLS pooling, L2-normalised, cut at 512 tokens."""

    _tokenizer: Any
    _session: Any
    _calls: int = 0
    _tokens: int = 0

    def __init__(self, folder: pathlib.Path) -> None:
        super().__init__()
        self._tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(512)
        self._tokenizer.no_padding()
        self._session = onnxruntime.InferenceSession(
            str(folder / "onnx" / "model.onnx"), providers=["CPUExecutionProvider"]
        )

    def _embed(self, text: str) -> List[float]:
        encoding = self._tokenizer.encode(text)
        self._calls += 1
        self._tokens += len(encoding.ids)
        values = {"input_ids": encoding.ids, "attention_mask": encoding.attention_mask, "token_type_ids": encoding.type_ids}
        names = [entry.name for entry in self._session.get_inputs()]
        feeds = {name: numpy.array([values[name]], dtype=numpy.int64) for name in names}
        vector = self._session.run(None, feeds)[0][0, 0]
        return (vector / numpy.linalg.norm(vector)).tolist()

    def _get_query_embedding(self, query: str) -> List[float]:
        return self._embed(query)

    async def _aget_query_embedding(self, query: str) -> List[float]:
        return self._embed(query)

    def _get_text_embedding(self, text: str) -> List[float]:
        return self._embed(text)


def main() -> None:
    dataset = EmbeddingQAFinetuneDataset.from_json(sys.argv[1])
    model = OnnxEmbedding(pathlib.Path(sys.argv[2]))
    epochs = int(sys.argv[3])
    steps = int(sys.argv[4]) if len(sys.argv) > 4 else None
    limits = {} if steps is None else {"steps_per_epoch": steps}
    with tempfile.TemporaryDirectory() as folder:
        engine = EmbeddingAdapterFinetuneEngine(
            dataset,
            model,
            dim=384,
            epochs=epochs if steps is None else 1,
            model_output_path=folder,
            show_progress_bar=False,
            **limits,
        )
        total = len(engine.loader) * epochs
        cpu, wall = time.process_time(), time.perf_counter()
        engine.finetune()
        row = {
            "steps": steps or total,
            "totalSteps": total,
            "wallSeconds": time.perf_counter() - wall,
            "cpuSeconds": time.process_time() - cpu,
            "embeddings": model._calls,
            "tokens": model._tokens,
        }
    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
