"""Datasets as the peers write them, converted by our command line, read again by the peers; one line a check.

Usage: check_datasets.py FOLDER
LlamaIndex's files must come back byte for byte; tables must hold the same cells in pandas, pyarrow and datasets.
"""

import csv
import json
import os
import pathlib
import random
import subprocess
import sys
import traceback
from typing import Any, Callable

os.environ["HF_DATASETS_CACHE"] = os.path.join(sys.argv[1], "cache")
os.environ["HF_HUB_OFFLINE"] = "1"
import datasets  # noqa: E402
import pandas as pd  # noqa: E402

datasets.disable_progress_bars()

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "bench" / "python"))
from llamaindex_original import EmbeddingQAFinetuneDataset  # noqa: E402

finetuning = sys.modules["llama_index.finetuning"]
finetuning.EmbeddingQAFinetuneDataset = EmbeddingQAFinetuneDataset  # type: ignore[attr-defined]
rerankers = type(sys)("llama_index.finetuning.rerankers")
rerankers.__path__ = [str(pathlib.Path(finetuning.__path__[0]) / "rerankers")]
sys.modules[rerankers.__name__] = rerankers
from llama_index.finetuning.rerankers.dataset_gen import (  # noqa: E402
    generate_cohere_reranker_finetuning_dataset,
)

DATA = pathlib.Path(sys.argv[1])
DATA.mkdir(parents=True, exist_ok=True)
TEXTS = ['Fares rose "sharply", to 5 €.', "Zeile eins\nZeile zwei", "日本語 😀", "tab\there; a | b", "naïve café"]
QUESTIONS = ["How far did fares rise?", "Was steht in Zeile zwei?", "何語?", "a\tor b?", "Is it naïve?"]
PASSAGES = {f"node-{index}": text for index, text in enumerate(TEXTS)}


def convert(source: str, target: str, out: str, *more: str) -> pathlib.Path:
    """Runs `retune convert`; the path of what it wrote."""
    command = ["node", str(ROOT / "cli" / "retune.mjs"), "convert", str(DATA / source)]
    done = subprocess.run(
        [*command, "--to", target, "--out", str(DATA / out), *more], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return DATA / out


def check(name: str, run: Callable[[], Any]) -> None:
    """Prints whether `run` gives True, or why it does not."""
    try:
        passed, reason = run() is True, ""
    except Exception as error:  # a check that breaks has failed
        passed, reason = False, f": {error!r}"
        traceback.print_exc()
    print(f"{'ok     ' if passed else 'FAILED '} {name}{reason}", flush=True)


def same_bytes(one: pathlib.Path, other: pathlib.Path) -> bool:
    return one.read_bytes() == other.read_bytes()


def llamaindex() -> EmbeddingQAFinetuneDataset:
    return EmbeddingQAFinetuneDataset(
        queries={str(index): text for index, text in enumerate(QUESTIONS)},
        corpus=PASSAGES,
        relevant_docs={str(index): [f"node-{index}"] for index in range(len(QUESTIONS))},
    )


llamaindex().save_json(str(DATA / "llamaindex.json"))
random.seed(5)
generate_cohere_reranker_finetuning_dataset(llamaindex(), 2, finetune_dataset_file_name=str(DATA / "mined.jsonl"))
generate_cohere_reranker_finetuning_dataset(llamaindex(), 0, finetune_dataset_file_name=str(DATA / "plain.jsonl"))
FRAME = pd.DataFrame({"anchor": QUESTIONS, "positive": TEXTS, "negative": TEXTS[1:] + TEXTS[:1]})
FRAME.to_parquet(DATA / "triplets.parquet")
FRAME.to_parquet(DATA / "gzip.parquet", compression="gzip", row_group_size=2)
FRAME.to_csv(DATA / "triplets.csv")
SCORES = pd.DataFrame({"query": QUESTIONS, "context": TEXTS, "score": [1, 0, 1, 0, 1]})
SCORES.to_csv(DATA / "scored.csv")
datasets.Dataset.from_pandas(SCORES).to_json(DATA / "scored.jsonl", force_ascii=True)


def handler_file() -> pathlib.Path:
    """Two events as LlamaIndex's handler saves them: json.dumps a row, joined by line ends (it needs the openai package)."""
    asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Wo?"}]
    call = {"name": "Album", "arguments": '{"name": "é"}'}
    functions = [{"name": "Album", "parameters": {"type": "object", "properties": {"2": {}, "1": {"minimum": 0.5}}}}]
    events = [
        {"messages": [*asked, {"role": "assistant", "content": "Köln 😀\x7f\x1f"}]},
        {"messages": [*asked, {"role": "assistant", "function_call": call}], "functions": functions},
    ]
    (DATA / "events.jsonl").write_text("\n".join(json.dumps(event) for event in events))
    return DATA / "events.jsonl"


def beir_qrels(folder: pathlib.Path) -> dict:
    """As beir's GenericDataLoader reads them."""
    with (folder / "qrels" / "test.tsv").open(encoding="utf-8") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_MINIMAL)
        next(rows)
        return {row[0]: [row[1]] for row in rows if int(row[2]) > 0}


def check_llamaindex() -> None:
    same = convert("llamaindex.json", "llamaindex", "same.json")
    check("datasets: LlamaIndex's dataset comes back byte for byte", lambda: same_bytes(same, DATA / "llamaindex.json"))
    folder = convert("llamaindex.json", "beir", "beir")
    lines = [json.loads(line) for line in (folder / "corpus.jsonl").read_text("utf-8").splitlines()]
    check("datasets: BEIR's corpus has its passages", lambda: {row["_id"]: row["text"] for row in lines} == PASSAGES)
    check("datasets: BEIR's qrels have its judgements", lambda: beir_qrels(folder) == llamaindex().relevant_docs)
    back = EmbeddingQAFinetuneDataset.from_json(str(convert("beir", "llamaindex", "back.json")))
    check("datasets: back from BEIR, LlamaIndex loads the same dataset", lambda: back == llamaindex())
    plain = convert("llamaindex.json", "cohere", "cohere.jsonl")
    check("datasets: Cohere's file is LlamaIndex's, byte for byte", lambda: same_bytes(plain, DATA / "plain.jsonl"))
    mined = convert("mined.jsonl", "cohere", "mined-again.jsonl")
    check("datasets: with negatives too", lambda: same_bytes(mined, DATA / "mined.jsonl"))
    events = handler_file()
    chats = convert("events.jsonl", "openai-chat", "chats.jsonl")
    check("datasets: the handler's chats come back byte for byte", lambda: same_bytes(chats, events))


def check_tables() -> None:
    columns = ["anchor", "positive", "negative"]
    for name in ("triplets.parquet", "gzip.parquet", "triplets.csv"):
        parquet = convert(name, "st-triplets", f"{name}.again.parquet")
        check(f"datasets: {name} has the same cells as Parquet, in pandas", lambda: pd.read_parquet(parquet).equals(FRAME))
    loaded = datasets.load_dataset("parquet", data_files=str(parquet), split="train")
    check("datasets: the datasets library loads them in order", lambda: loaded.to_dict() == FRAME.to_dict("list"))
    check("datasets: its columns are texts", lambda: {str(loaded.features[key].dtype) for key in columns} <= {"string", "large_string"})
    text = convert("triplets.parquet", "st-triplets", "again.csv")
    check("datasets: pandas reads our CSV", lambda: pd.read_csv(text).equals(FRAME))
    tabs = convert("triplets.parquet", "st-triplets", "again.tsv")
    check("datasets: pandas reads our TSV", lambda: pd.read_csv(tabs, sep="\t").equals(FRAME))
    lines = convert("triplets.parquet", "st-triplets", "again.jsonl")
    rows = datasets.load_dataset("json", data_files=str(lines), split="train")
    check("datasets: the datasets library loads our JSON Lines", lambda: rows.to_dict() == FRAME.to_dict("list"))
    for name in ("scored.csv", "scored.jsonl"):
        scored = pd.read_parquet(convert(name, "st-scored", f"{name}.parquet"))
        expected = SCORES.rename(columns={"context": "passage"})
        check(f"datasets: {name} has the same scores", lambda: scored.astype({"score": "int64"}).equals(expected))
    flag = convert("triplets.parquet", "flagembedding", "flag.jsonl")
    loaded = datasets.load_dataset("json", data_files=str(flag), split="train")
    expected = {"query": QUESTIONS, "pos": [[text] for text in TEXTS], "neg": [[text] for text in FRAME["negative"]]}
    check("datasets: FlagEmbedding's loader gets its columns", lambda: {key: loaded[key][:] for key in expected} == expected)


check_llamaindex()
check_tables()
