"""Loads every model folder below FOLDER/models with the libraries it is meant for; one line a check.

Usage: check_models.py FOLDER
Each folder's own verify.py must agree with retune_parity.json to 1e-5, and so must transformers and peft used directly.
"""

import contextlib
import io
import json
import os
import pathlib
import py_compile
import runpy
import subprocess
import sys
import traceback

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", HF_HUB_DISABLE_PROGRESS_BARS="1")

import numpy as np  # noqa: E402
import onnx  # noqa: E402
import torch  # noqa: E402
from peft import PeftModel  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer  # noqa: E402

TOLERANCE = 1e-5
MODELS = pathlib.Path(sys.argv[1]) / "models"


def parity_of(name: str) -> dict:
    return json.loads((MODELS / name / "retune_parity.json").read_text())


def require_close(got: np.ndarray, want: np.ndarray) -> str:
    if got.shape != want.shape:
        raise AssertionError(f"shapes {got.shape} and {want.shape}")
    error = float((np.abs(got - want) / np.maximum(1, np.abs(want))).max())
    if not error <= TOLERANCE:
        raise AssertionError(f"largest error {error:.2e}, allowed {TOLERANCE:.0e}")
    return f"largest error {error:.1e}"


def base_of(name: str) -> list[str]:
    if not name.startswith("peft-") or name == "peft-base":
        return []
    return [str(MODELS / ("ce-base" if "cross-encoder" in name else "peft-base"))]


def check_verify(name: str) -> str:
    """The folder's verify.py, unchanged, ends with 0 where no number may differ by more than 1e-5."""
    file = MODELS / name / "retune_parity.json"
    file.write_text(file.read_text().replace('"tolerance": 0.0001', f'"tolerance": {TOLERANCE}'))
    if parity_of(name)["tolerance"] != TOLERANCE:
        raise AssertionError("the tolerance could not be tightened")
    printed, code, argv = io.StringIO(), None, sys.argv
    sys.argv = ["verify.py", *base_of(name)]
    try:
        with contextlib.redirect_stdout(printed):
            runpy.run_path(str(MODELS / name / "verify.py"), run_name="__main__")
    except SystemExit as end:
        code = end.code
    finally:
        sys.argv = argv
    lines = printed.getvalue().strip().splitlines()
    if code != 0:
        raise AssertionError(f"ended with {code}: {' | '.join(lines)}")
    return "; ".join(lines)


def encoded(name: str, texts: list, max_tokens: int) -> dict:
    tokenizer = AutoTokenizer.from_pretrained(MODELS / name)
    columns = list(zip(*texts)) if isinstance(texts[0], list) else [texts]
    return tokenizer(*[list(column) for column in columns], padding=True, truncation=True, max_length=max_tokens, return_tensors="pt")


def pooled(model: torch.nn.Module, inputs: dict, pooling: str) -> np.ndarray:
    with torch.no_grad():
        states = model(**inputs).last_hidden_state
    mask = inputs["attention_mask"][:, :, None]
    vectors = states[:, 0] if pooling == "cls" else (states * mask).sum(1) / mask.sum(1)
    return torch.nn.functional.normalize(vectors, dim=1).numpy()


def check_transformers(name: str) -> str:
    """AutoModel and AutoTokenizer over the folder, without sentence-transformers; PEFT adapters by PeftModel."""
    parity, folder = parity_of(name), str(MODELS / name)
    home = base_of(name)[0] if base_of(name) else folder
    inputs = encoded(pathlib.Path(home).name, parity.get("texts") or parity["pairs"], parity["max_tokens"])
    kind = AutoModelForSequenceClassification if "pairs" in parity else AutoModel
    model, report = kind.from_pretrained(home, output_loading_info=True)
    if report["missing_keys"] or report["unexpected_keys"]:
        raise AssertionError(f"keys {report}")
    if base_of(name):
        model = PeftModel.from_pretrained(model, folder)
        named = {key.replace(".default", "").replace("modules_to_save.", "") for key, _ in model.named_parameters()}
        lost = [key for key in load_file(pathlib.Path(folder) / "adapter_model.safetensors") if key not in named]
        if lost:
            raise AssertionError(f"{lost} found no place")
    model.eval()
    if "pairs" in parity:
        with torch.no_grad():
            return require_close(model(**inputs).logits[:, 0].numpy(), np.array(parity["logits"]))
    return require_close(pooled(model, inputs, parity["pooling"]), np.array(parity["vectors"]))


def check_graph(name: str) -> str:
    """onnx's own checker, shapes inferred."""
    files = sorted((MODELS / name / "onnx").glob("*.onnx"))
    for file in files:
        onnx.checker.check_model(str(file), full_check=True)
    return f"{len(files)} graphs, {', '.join(str(file.stat().st_size) for file in files)} bytes"


def check_batches(name: str) -> str:
    """Whatever the number of processes: their shares put together are the batches that Retune wrote."""
    folder = MODELS / name
    for script in ("train.py", "losses.py", "ray_train.py"):
        py_compile.compile(str(folder / script), doraise=True)
    wanted = [json.loads(line) for line in (folder / "batches.jsonl").read_text().splitlines()]
    for world in (1, 2, 3, 7):
        shares = []
        for rank in range(world):
            command = [sys.executable, str(folder / "train.py"), "--print-batches", str(rank), str(world)]
            printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            shares.append([json.loads(line) for line in printed.splitlines()])
        joined = [sum((share[step] for share in shares), []) for step in range(len(wanted))]
        if joined != wanted:
            raise AssertionError(f"{world} processes train on other batches")
    return f"{len(wanted)} batches by 1, 2, 3 and 7 processes"


def launched(name: str, processes: int) -> tuple[list[float], dict]:
    """By accelerate, or by torchrun for several processes."""
    launch = ["accelerate.commands.launch", "--cpu", "--num_processes", "1", "--num_machines", "1"]
    launch += ["--mixed_precision", "no", "--dynamo_backend", "no"]
    if processes > 1:
        launch = ["torch.distributed.run", "--nproc_per_node", str(processes), "--master_port", "29617"]
    return trained(name, ["-m", *launch, str(MODELS / name / "train.py")])


def trained(name: str, arguments: list[str], **variables: str) -> tuple[list[float], dict]:
    """Losses of the steps and the weights that a start of Python leaves behind."""
    folder = MODELS / name
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", **variables}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise AssertionError(done.stderr[-1500:])
    losses = [json.loads(line)["loss"] for line in done.stdout.splitlines() if line.startswith("{")]
    return losses, load_file(next((folder / "trained").rglob("*.safetensors")))


def check_training(name: str) -> str:
    """
    One process and two take the same steps, and those of Retune's own training: equal losses; Adam turns noise in
    gradients of 0 into small differences.
    """
    alone, first = launched(name, 1)
    together, second = launched(name, 2)
    steps = sum(1 for _ in open(MODELS / name / "batches.jsonl"))
    if len(alone) != steps or not np.mean(alone[-3:]) < np.mean(alone[:3]):
        raise AssertionError(f"losses {alone}")
    require_close(np.array(together), np.array(alone))
    own = MODELS / name / "retune_losses.json"
    if own.exists():
        want = np.array(json.loads(own.read_text()))
        error = float((np.abs(np.array(alone) - want) / np.maximum(1e-2, np.abs(want))).max())
        if not error <= 1e-3:
            raise AssertionError(f"losses {alone}, Retune's {want.tolist()}")
    apart = np.concatenate([(second[key] - tensor).abs().flatten().numpy() for key, tensor in first.items()])
    if apart.max() > 1e-2 or (apart > 1e-3).mean() > 1e-3:
        raise AssertionError(f"weights differ by up to {apart.max():.1e}")
    return f"losses {alone[0]} … {alone[-1]}, weights apart by {apart.max():.1e} at most"


def check_ray(name: str) -> str:
    """ray_train.py takes the same steps with three workers of a stand-in for Ray Train (ray_stub/)."""
    stub = str(pathlib.Path(__file__).resolve().parent / "ray_stub")
    by_ray, _ = trained(name, [str(MODELS / name / "ray_train.py"), "3"], PYTHONPATH=stub)
    alone, _ = launched(name, 1)
    return require_close(np.array(by_ray), np.array(alone))


def run(check, name: str) -> None:
    label = check.__name__.removeprefix("check_")
    try:
        print(f"ok      {name} {label}: {check(name)}", flush=True)
    except Exception as error:
        traceback.print_exc()
        print(f"FAILED  {name} {label}: {type(error).__name__}: {error}", flush=True)


def main() -> None:
    for folder in sorted(MODELS.iterdir()):
        name = folder.name
        if name.startswith("cluster-"):
            run(check_batches, name)
            run(check_training, name)
            if name == "cluster-anchor":
                run(check_ray, name)
            continue
        if name.startswith("onnx-"):
            run(check_graph, name)
        elif not name.startswith("query-"):
            run(check_transformers, name)
        run(check_verify, name)


if __name__ == "__main__":
    main()
