"""Records values and gradients of sentence-transformers' and torch's losses on stored vectors.

Usage: loss_values.py FOLDER     (writes FOLDER/losses.json)

Every case has its inputs, options, the loss and its gradient with respect to every input that is trained. The losses are
sentence-transformers' own classes over a model whose only weights are the vectors themselves.
"""

import json
import pathlib
import sys

import torch
from sentence_transformers.sentence_transformer import losses as st
from sentence_transformers.sentence_transformer.losses.triplet import TripletDistanceMetric
from sentence_transformers.util import pairwise_cos_sim

B, D, NEGATIVES = 5, 12, 2


class Vectors(torch.nn.Module):
    """A model that looks texts up in a table: what a loss says about it is what it says about the vectors."""

    def __init__(self, table: torch.Tensor):
        super().__init__()
        self.table = torch.nn.Parameter(table.clone())

    @property
    def device(self) -> torch.device:
        return self.table.device

    def __getitem__(self, _: int) -> torch.nn.Module:
        return self  # its only module

    def get_embedding_dimension(self) -> int:
        return self.table.shape[1]

    def forward(self, features: dict) -> dict:
        return {**features, "sentence_embedding": self.table[features["input_ids"][:, 0]]}

    def __call__(self, features: dict, **_) -> dict:
        return self.forward(features)


def columns(count: int) -> list[dict]:
    ids = [torch.arange(k * B, (k + 1) * B).unsqueeze(1) for k in range(count)]
    return [{"input_ids": own, "attention_mask": torch.ones_like(own)} for own in ids]


def rounded(values: torch.Tensor) -> list[float]:
    return [float(f"{value:.9g}") for value in values.detach().double().flatten().tolist()]


def record(table: torch.Tensor, make, count: int, labels=None, **options) -> dict:
    """Loss and gradient over the first `count` columns of `table` [count·B, D]."""
    model = Vectors(table[: count * B])
    loss = make(model)(columns(count), labels)
    loss.backward()
    case = {"rows": B, "width": D, "columns": count, "options": options, "loss": float(loss.item())}
    case["embeddings"] = rounded(model.table)
    case["gradient"] = rounded(model.table.grad)
    if labels is not None:
        case["labels"] = rounded(labels)
    return case


def scores_case(make, logits: torch.Tensor, targets: torch.Tensor, **options) -> dict:
    logits = logits.clone().requires_grad_(True)
    loss = make(logits, targets)
    loss.backward()
    return {
        "shape": list(logits.shape),
        "options": options,
        "logits": rounded(logits),
        "targets": rounded(targets),
        "loss": float(loss.item()),
        "gradient": rounded(logits.grad),
    }


def embedding_cases() -> dict:
    torch.manual_seed(7)
    queries = torch.randn(B, D)
    close = [queries + (2 + 0.3 * k) * torch.randn(B, D) for k in range(1 + NEGATIVES)]
    table = torch.cat([queries, *close])
    unit = torch.nn.functional.normalize(table, dim=1)
    teacher = torch.randn(B, 1 + NEGATIVES) * 2 + torch.tensor([2.0] + [0.0] * NEGATIVES)
    grades = torch.tensor([1.0, 0.2, 0.2, 0.8, 0.0])
    symmetric = dict(directions=("query_to_doc", "doc_to_query"), partition_mode="per_direction")
    dims = dict(dimensions=[12, 6, 3], weights=[1, 0.5, 0.25])
    euclid, cosine = TripletDistanceMetric.EUCLIDEAN, TripletDistanceMetric.COSINE

    def matryoshka(inner):
        return lambda model: st.MatryoshkaLoss(model, inner(model), dims["dimensions"], dims["weights"])

    def mnrl(model):
        return st.MultipleNegativesRankingLoss(model, scale=20.0)

    cached = lambda size: lambda m: st.CachedMultipleNegativesRankingLoss(m, scale=20.0, mini_batch_size=size)
    distilled = lambda t: lambda m: st.DistillKLDivLoss(m, temperature=t)
    anchored = lambda m: st.EmbedDistillLoss(m, distance_metric="mse")
    return {
        "mnrl": record(table, mnrl, 2, scale=20),
        "mnrl-hard-negatives": record(table, mnrl, 4, scale=20),
        "symmetric": record(table, lambda m: st.MultipleNegativesRankingLoss(m, **symmetric), 2, scale=20),
        "cached-mnrl": record(table, cached(2), 4, scale=20, miniBatch=2),
        "triplet-euclidean": record(unit, lambda m: st.TripletLoss(m), 3, distance="euclidean", margin=5),
        "triplet-narrow": record(unit, lambda m: st.TripletLoss(m, euclid, 0.1), 3, distance="euclidean", margin=0.1),
        "triplet-cosine": record(table, lambda m: st.TripletLoss(m, cosine, 0.2), 3, distance="cosine", margin=0.2),
        "cosent": record(table, lambda m: st.CoSENTLoss(m), 2, grades, scale=20),
        "cosent-all-equal": record(table, lambda m: st.CoSENTLoss(m), 2, torch.ones(B), scale=20),
        "margin-mse": record(unit, st.MarginMSELoss, 3, teacher[:, 0] - teacher[:, 1]),
        "margin-mse-several": record(unit, st.MarginMSELoss, 4, teacher[:, :1] - teacher[:, 1:]),
        "kl": record(unit, distilled(1.0), 4, teacher, temperature=1),
        "kl-warm": record(unit, distilled(0.3), 4, teacher, temperature=0.3),
        "matryoshka-mnrl": record(unit, matryoshka(mnrl), 2, scale=20, **dims),
        "matryoshka-cached": record(unit, matryoshka(cached(2)), 2, scale=20, **dims),
        "matryoshka-cosent": record(unit, matryoshka(st.CoSENTLoss), 2, grades, scale=20, **dims),
        "anchor": record(unit, anchored, 1, unit[B : 2 * B]),
    }


def score_cases() -> dict:
    torch.manual_seed(8)
    logits = torch.randn(8) * 3
    labels = torch.tensor([1.0, 0, 0, 1, 0.25, 0, 1, 0])
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    lists = torch.randn(4, 6) * 2
    relevance = torch.tensor([[1.0, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0], [3, 2, 1, 0, 0, 0], [0, 0, 0, 2, 1, 0]])
    targets = relevance / relevance.sum(dim=1, keepdim=True)
    return {
        "bce": scores_case(lambda x, y: bce(x, y), logits, labels),
        "bce-pos-weight": scores_case(
            lambda x, y: bce(x, y, pos_weight=torch.tensor(3.5)), logits, labels, posWeight=3.5
        ),
        "bce-large-logits": scores_case(lambda x, y: bce(x, y), 30 * logits, labels),
        "listwise": scores_case(lambda x, y: torch.nn.functional.cross_entropy(x, y), lists, targets),
        "listwise-softmax": scores_case(
            lambda x, y: torch.nn.functional.cross_entropy(x, y), lists, torch.softmax(relevance, dim=1)
        ),
    }


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    torch.set_default_dtype(torch.float64)
    folder.mkdir(parents=True, exist_ok=True)
    cases = {"embeddings": embedding_cases(), "scores": score_cases()}
    (folder / "losses.json").write_text(json.dumps(cases) + "\n")
    print(f"{sum(len(group) for group in cases.values())} cases in {folder / 'losses.json'}")


if __name__ == "__main__":
    main()
