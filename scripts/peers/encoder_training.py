"""Records fine-tunes of the tiny BERT by sentence-transformers' own losses, in the order and schedule of its fit().

Usage: encoder_training.py MODEL_FOLDER FOLDER     (writes FOLDER/encoder-training.json)

File order, the short last batch kept, AdamW with decay 0.01 except on biases and LayerNorm, linear warm-up over int(10 %) of
all steps and linear decay, gradients clipped to norm 1, no dropout: what LlamaIndex's engine asks of sentence-transformers 2.2.
"""

import json
import pathlib
import random
import sys

import torch
from sentence_transformers import SentenceTransformer, models
from sentence_transformers.sentence_transformer import losses as st
from transformers import get_linear_schedule_with_warmup

BATCH, EPOCHS, RATE, PROMPT = 8, 2, 1e-3, "find: "


def planted(passages: int, per_passage: int) -> dict:
    """Made-up words: a question repeats two of its passage's eight."""
    random.seed(3)
    word = lambda: "".join(random.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(3))
    texts = {f"p{i}": " ".join(word() for _ in range(8)) for i in range(passages)}
    queries, relevant, negatives = {}, {}, {}
    for index in range(passages):
        for own in range(per_passage):
            name = f"q{index}-{own}"
            queries[name] = " ".join(random.sample(texts[f"p{index}"].split(), 2) + [word()])
            relevant[name] = [f"p{index}"]
            negatives[name] = [f"p{(index + 7) % passages}"]
    return {"queries": queries, "corpus": texts, "relevant_docs": relevant, "negatives": negatives}


def model_from(folder: str) -> SentenceTransformer:
    transformer = models.Transformer(folder, max_seq_length=64)
    for module in transformer.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    for layer in transformer.auto_model.encoder.layer:
        layer.attention.self.dropout.p = 0.0
    pooling = models.Pooling(transformer.get_word_embedding_dimension(), pooling_mode="cls")
    return SentenceTransformer(modules=[transformer, pooling, models.Normalize()], device="cpu")


def record(folder: str, data: dict, make, with_negatives: bool) -> dict:
    torch.manual_seed(0)
    model = model_from(folder)
    loss_of = make(model)
    rows = [
        [PROMPT + text, data["corpus"][data["relevant_docs"][name][0]]]
        + ([data["corpus"][data["negatives"][name][0]]] if with_negatives else [])
        for name, text in data["queries"].items()
    ]
    decayed = lambda name: not any(part in name for part in ("bias", "LayerNorm.bias", "LayerNorm.weight"))
    named = [(name, value) for name, value in model.named_parameters() if "pooler" not in name]
    groups = [
        {"params": [value for name, value in named if decayed(name)], "weight_decay": 0.01},
        {"params": [value for name, value in named if not decayed(name)], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=RATE)
    total = -(-len(rows) // BATCH) * EPOCHS
    schedule = get_linear_schedule_with_warmup(optimizer, int(total * 0.1), total)
    model.train()
    found, norms = [], []
    for _ in range(EPOCHS):
        for start in range(0, len(rows), BATCH):
            columns = list(zip(*rows[start : start + BATCH]))
            loss = loss_of([model.tokenize(list(column)) for column in columns], None)
            loss.backward()
            norms.append(float(torch.nn.utils.clip_grad_norm_([value for _, value in named], 1.0)))
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
            found.append(float(loss.item()))
    model.eval()
    texts = list(data["corpus"].values())[:4]
    vectors = model.encode(texts, normalize_embeddings=True)
    return {"losses": found, "norms": norms, "texts": texts, "vectors": [row.tolist() for row in vectors]}


def main() -> None:
    folder, out = sys.argv[1], pathlib.Path(sys.argv[2])
    data = planted(26, 2)
    mnrl = lambda m: st.MultipleNegativesRankingLoss(m)
    cases = {
        "mnrl": record(folder, data, mnrl, False),
        "mnrl-hard-negatives": record(folder, data, mnrl, True),
        "matryoshka": record(folder, data, lambda m: st.MatryoshkaLoss(m, mnrl(m), [32, 16, 8]), False),
        "triplet": record(folder, data, lambda m: st.TripletLoss(m), True),
    }
    out.mkdir(parents=True, exist_ok=True)
    settings = {"batchSize": BATCH, "epochs": EPOCHS, "learningRate": RATE, "queryPrompt": PROMPT}
    (out / "encoder-training.json").write_text(json.dumps({"settings": settings, "data": data, "cases": cases}) + "\n")
    print({name: case["losses"][:2] for name, case in cases.items()})


if __name__ == "__main__":
    main()
