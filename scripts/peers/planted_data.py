"""A small dataset with vectors in which an adapter can learn a planted rotation.

Usage: planted_data.py FOLDER
Writes train.json and validation.json (by LlamaIndex's own class) and their vectors (by numpy).
"""

import pathlib
import random
import sys

import numpy as np

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "python"))
from llamaindex_original import EmbeddingQAFinetuneDataset  # noqa: E402

DIMENSION = 24
WORDS = [f"{syllable}{ending}" for syllable in "ba ke li mo nu ra se ti vo zu".split() for ending in "dor lan mis".split()]


def write_set(folder: pathlib.Path, name: str, passages: int, rotation: np.ndarray, seed: int) -> None:
    draw, numbers = random.Random(seed), np.random.default_rng(seed)
    texts = {f"{name}-p{i}": " ".join(draw.choices(WORDS, k=20)) + f" №{i} “{i} €”" for i in range(passages)}
    queries, relevant, answers = {}, {}, []
    for i, (passage, text) in enumerate(texts.items()):
        for turn in range(2):
            query = f"{name}-q{i}-{turn}"
            queries[query] = " ".join(draw.sample(text.split(), 4)) + "?"
            relevant[query] = [passage]
            answers.append(i)
    dataset = EmbeddingQAFinetuneDataset(queries=queries, corpus=texts, relevant_docs=relevant)
    dataset.save_json(str(folder / f"{name}.json"))
    corpus = numbers.normal(size=(passages, DIMENSION))
    asked = 0.4 * corpus[answers] + corpus[answers] @ rotation + 0.6 * numbers.normal(size=(2 * passages, DIMENSION))
    np.save(folder / f"{name}-corpus.npy", corpus.astype(np.float32))
    np.save(folder / f"{name}-queries.npy", asked.astype(np.float32))


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(DIMENSION, DIMENSION)))
    write_set(folder, "train", 70, rotation, 1)
    write_set(folder, "validation", 45, rotation, 2)


if __name__ == "__main__":
    main()
