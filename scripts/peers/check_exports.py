"""Loads every export of the runs below FOLDER with the library it is meant for; one line a check.

Usage: check_exports.py FOLDER
FOLDER holds the planted data and one folder for each job: its outputs, and adapted.npy, our adapter over the
validation queries. A check passes where values agree to 1e-5 relative to max(1, |value|).
"""

import csv
import importlib.util
import json
import pathlib
import sys
import tempfile
import traceback
from types import ModuleType
from typing import Any, Callable, List

import numpy as np
import torch
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.embeddings.adapter import AdapterEmbeddingModel, LinearLayer
from llama_index.embeddings.adapter.utils import TwoLayerNN
from safetensors.torch import load_file
from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "python"))
from llamaindex_original import EmbeddingAdapterFinetuneEngine, EmbeddingQAFinetuneDataset  # noqa: E402

TOLERANCE = 1e-5
DATA = pathlib.Path(sys.argv[1])


class LookUp(BaseEmbedding):
    """An embedding model that knows the vectors of the dataset's texts."""

    _vectors: dict

    def __init__(self, name: str) -> None:
        super().__init__()
        dataset = dataset_of(name)
        texts = [*dataset.queries.values(), *dataset.corpus.values()]
        self._vectors = dict(zip(texts, [*vectors_of(name, "queries"), *vectors_of(name, "corpus")]))

    def _get_query_embedding(self, query: str) -> List[float]:
        return self._vectors[query].tolist()

    async def _aget_query_embedding(self, query: str) -> List[float]:
        return self._get_query_embedding(query)

    def _get_text_embedding(self, text: str) -> List[float]:
        return self._vectors[text].tolist()


def dataset_of(name: str) -> EmbeddingQAFinetuneDataset:
    return EmbeddingQAFinetuneDataset.from_json(str(DATA / f"{name}.json"))


def vectors_of(name: str, part: str) -> np.ndarray:
    return np.load(DATA / f"{name}-{part}.npy")


def module_of(folder: pathlib.Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def require_close(got: Any, want: Any, tolerance: float = TOLERANCE) -> str:
    got, want = np.asarray(got, dtype=np.float64), np.asarray(want, dtype=np.float64)
    if got.shape != want.shape:
        raise AssertionError(f"shapes {got.shape} and {want.shape}")
    error = float(np.max(np.abs(got - want) / np.maximum(1, np.abs(want)), initial=0))
    if not error <= tolerance:
        raise AssertionError(f"largest error {error:.2e}, allowed {tolerance:.0e}")
    return f"largest error {error:.1e}"


def record_of(run: pathlib.Path) -> dict:
    return json.loads((run / "run.json").read_text())


def adapter_class(run: pathlib.Path) -> type:
    config = json.loads((run / "llamaindex" / "config.json").read_text())
    if "layers" in config:
        return module_of(run, "llamaindex_adapter").CustomAdapter
    if config.get("activation_fn_str") in ("gelu", "identity"):  # TwoLayerNN has neither
        return module_of(run, "llamaindex_adapter").TwoLayerAdapter
    return TwoLayerNN if "hidden_features" in config else LinearLayer


def check_llamaindex(run: pathlib.Path) -> str:
    """AdapterEmbeddingModel over the folder gives our outputs, query by query."""
    model = AdapterEmbeddingModel(LookUp("validation"), str(run / "llamaindex"), adapter_cls=adapter_class(run))
    got = [model.get_query_embedding(query) for query in dataset_of("validation").queries.values()]
    return require_close(got, np.load(run / "adapted.npy"))


def check_torch(run: pathlib.Path) -> str:
    """torch.load with weights_only and safetensors hold the same bits; every checkpoint loads."""
    state = torch.load(run / "llamaindex" / "pytorch_model.bin", weights_only=True)
    single = load_file(run / "adapter.safetensors")
    if list(state) != list(adapter_class(run).load(str(run / "llamaindex")).state_dict()):
        raise AssertionError(f"names or order differ from torch's: {list(state)}")
    for name, tensor in state.items():
        if not torch.equal(tensor, single[name]):
            raise AssertionError(f"{name} differs between pytorch_model.bin and adapter.safetensors")
    steps = sorted((run / "llamaindex").glob("step_*"))
    for step in steps:
        adapter_class(run).load(str(step))
    return f"{len(state)} tensors bit-equal, {len(steps)} checkpoints"


def check_config(run: pathlib.Path) -> str:
    """config.json is what LlamaIndex writes for the same adapter, byte for byte."""
    model = adapter_class(run).load(str(run / "llamaindex"))
    with tempfile.TemporaryDirectory() as folder:
        model.save(folder)
        theirs = (pathlib.Path(folder) / "config.json").read_bytes()
    if theirs != (run / "llamaindex" / "config.json").read_bytes():
        raise AssertionError(f"LlamaIndex writes {theirs!r}")
    return "byte-equal"


def check_search(run: pathlib.Path) -> str:
    """search.py with fusion.json gives the hybrid figures of run.json."""
    dataset = dataset_of("validation")
    search = module_of(run, "search").HybridSearch(str(run), list(dataset.corpus.values()), vectors_of("validation", "corpus"))
    ids, found = list(dataset.corpus), []
    for (query, text), vector in zip(dataset.queries.items(), vectors_of("validation", "queries")):
        ranked = [ids[index] for index, _ in search.rank(text, vector, top=10)]
        right = dataset.relevant_docs[query][0]
        found.append(1 / (ranked.index(right) + 1) if right in ranked else 0.0)
    record = record_of(run)["hybridTuned"]
    hit = np.mean([rank >= 1 / 5 for rank in found])
    return require_close([np.mean(found), hit], [record["mrr@10"], record["hit@5"]])


def check_metrics(run: pathlib.Path) -> str:
    """sentence-transformers' evaluator over the adapted vectors gives our figures, and our CSV has its header."""
    dataset = dataset_of("validation")
    evaluator = InformationRetrievalEvaluator(
        dataset.queries, dataset.corpus, {key: set(value) for key, value in dataset.relevant_docs.items()}
    )
    adapted = torch.nn.functional.normalize(torch.from_numpy(np.load(run / "adapted.npy")).double(), dim=1)
    corpus = torch.nn.functional.normalize(torch.from_numpy(vectors_of("validation", "corpus")).double(), dim=1)
    scores, ids = (adapted @ corpus.T).tolist(), list(dataset.corpus)
    ranked = [[{"corpus_id": key, "score": score} for key, score in zip(ids, row)] for row in scores]
    theirs = evaluator.compute_metrics(ranked)
    record, pairs = record_of(run)["tuned"], []
    for ours, (kind, k) in {
        **{f"accuracy@{k}": ("accuracy@k", k) for k in (1, 3, 5, 10)},
        **{f"precision@{k}": ("precision@k", k) for k in (1, 3, 5, 10)},
        **{f"recall@{k}": ("recall@k", k) for k in (1, 3, 5, 10)},
        "mrr@10": ("mrr@k", 10),
        "ndcg@10": ("ndcg@k", 10),
        "map@100": ("map@k", 100),
    }.items():
        pairs.append((record[ours], theirs[kind][k]))
    with open(run / "Information-Retrieval_evaluation_results.csv", newline="") as file:
        header, row = list(csv.reader(file))
    if header != ["epoch", "steps", *evaluator_headers(evaluator)]:
        raise AssertionError(f"CSV header {header}")
    require_close(float(row[header.index("cosine-MRR@10")]), record["mrr@10"])
    return require_close([a for a, _ in pairs], [b for _, b in pairs], 1e-6)


def evaluator_headers(evaluator: InformationRetrievalEvaluator) -> list[str]:
    """The columns that its own _append_csv_headers adds for cosine similarity."""
    evaluator.csv_headers = []
    evaluator._append_csv_headers(["cosine"])
    return list(evaluator.csv_headers)


def check_dataset(run: pathlib.Path) -> str:
    """Our dataset file is LlamaIndex's own save_json, byte for byte."""
    if (run / "train-again.json").read_bytes() != (DATA / "train.json").read_bytes():
        raise AssertionError("the bytes differ")
    return "byte-equal"


def check_engine(run: pathlib.Path) -> str:
    """LlamaIndex's own engine, trained on the same vectors, ends at our weights and checkpoints."""
    with tempfile.TemporaryDirectory() as folder:
        engine = EmbeddingAdapterFinetuneEngine(
            dataset_of("train"),
            LookUp("train"),
            epochs=4,
            bias="bias" in run.name,
            dim=vectors_of("train", "corpus").shape[1],
            model_output_path=f"{folder}/final",
            model_checkpoint_path=f"{folder}/steps",
            checkpoint_save_steps=20,
            show_progress_bar=False,
            optimizer_params={"lr": 1e-3},
        )
        engine.finetune()
        theirs = sorted(path.name for path in pathlib.Path(f"{folder}/steps").iterdir())
        final = torch.load(f"{folder}/final/pytorch_model.bin", weights_only=True)
    ours = sorted(path.name for path in (run / "llamaindex").glob("step_*"))
    if ours != theirs:
        raise AssertionError(f"checkpoints {ours}, LlamaIndex's {theirs}")
    state = torch.load(run / "llamaindex" / "pytorch_model.bin", weights_only=True)
    return "; ".join(f"{name}: {require_close(state[name], final[name], 1e-4)}" for name in final)


CHECKS: dict[str, list[Callable[[pathlib.Path], str]]] = {
    "linear": [check_llamaindex, check_torch, check_config, check_search, check_metrics, check_dataset, check_engine],
    "linear-bias": [check_llamaindex, check_torch, check_config, check_search, check_metrics, check_engine],
    "two-layer-residual": [check_llamaindex, check_torch, check_config, check_search, check_metrics],
    "two-layer-plain": [check_llamaindex, check_torch, check_config, check_search],
    "two-layer-leaky": [check_llamaindex, check_torch, check_config, check_search],
    "two-layer-sigmoid": [check_llamaindex, check_torch, check_config, check_search],
    "two-layer-gelu": [check_llamaindex, check_torch, check_config, check_search],
    "custom": [check_llamaindex, check_torch, check_config, check_search, check_metrics],
    "custom-residual": [check_llamaindex, check_torch, check_config, check_search],
}


def main() -> None:
    for name, checks in CHECKS.items():
        for check in checks:
            label = f"{name}: {check.__doc__.splitlines()[0].rstrip('.')}"
            try:
                print(f"ok      {label} ({check(DATA / name)})", flush=True)
            except Exception as error:  # noqa: BLE001  a check must never hide the ones after it
                print(f"FAILED  {label}: {type(error).__name__}: {error}", flush=True)
                traceback.print_exc()


if __name__ == "__main__":
    main()
