"""Loads the exports below FOLDER/decoder-exports with peft, transformers and gguf, and trains beside them; one line a check.

Usage: check_decoders.py FOLDER
Logits by peft and by the merged f32 folder must be Retune's to 1e-4, those of the f16 folder to 1 % of their range; the GGUF adapter
must hold PEFT's numbers under llama.cpp's names. The chat templates' recorded ids and masks must be what is rendered today.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import traceback

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", HF_HUB_DISABLE_PROGRESS_BARS="1")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from gguf import GGUFReader  # noqa: E402
from peft import PeftModel  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: E402

TOLERANCE = 1e-4
FOLDER = pathlib.Path(sys.argv[1])
CHAT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "chat"
LAYERS = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def base_model(name: str):
    return AutoModelForCausalLM.from_pretrained(FOLDER / "decoders" / name, dtype=torch.float32).eval()


def largest_difference(model, name: str, out: pathlib.Path) -> tuple[float, float]:
    """Of logits to ours, and the range of those."""
    texts = json.loads((FOLDER / "decoders" / f"{name}.json").read_text())["texts"]
    ours = load_file(out / "logits.safetensors")
    worst, size = 0.0, 0.0
    for index, ids in enumerate(texts):
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0].float()
        if logits.shape != ours[str(index)].shape:
            raise AssertionError(f"shapes {logits.shape} and {ours[str(index)].shape}")
        worst = max(worst, float((logits - ours[str(index)]).abs().max()))
        size = max(size, float(logits.max() - logits.min()))
    return worst, size


def require_within(worst: float, allowed: float) -> str:
    if not worst <= allowed:
        raise AssertionError(f"largest difference {worst:.2e}, allowed {allowed:.0e}")
    return f"largest difference {worst:.1e}"


def check_peft(name: str, out: pathlib.Path) -> str:
    base = base_model(name)
    changed, _ = largest_difference(base, name, out)
    if changed < 1e-2:
        raise AssertionError("the adapter changes nothing")
    model = PeftModel.from_pretrained(base, out / "peft")
    named = {key.replace(".default", ""): tensor for key, tensor in model.named_parameters() if "lora_" in key}
    stored = load_file(out / "peft" / "adapter_model.safetensors")
    if set(named) != set(stored):
        raise AssertionError(f"matrices {set(named) ^ set(stored)} have no counterpart")
    return require_within(largest_difference(model.eval(), name, out)[0], TOLERANCE)


def check_training(name: str, out: pathlib.Path) -> str:
    """
    peft and torch take the steps of training.json from the same matrices: losses to 1e-3, weights to 1e-3 but for one in a thousand,
    none beyond 1e-2. A step's loss is the mean over the learnt tokens of all its rows, whatever batches they were parted into.
    """
    job = json.loads((out / "training.json").read_text())
    model = PeftModel.from_pretrained(base_model(name), out / "peft", is_trainable=True)
    matrices = {key.replace(".default", ""): tensor for key, tensor in model.named_parameters() if "lora_" in key}
    first = load_file(out / "initial.safetensors")
    with torch.no_grad():
        for key, tensor in matrices.items():
            tensor.copy_(first[key.removeprefix("base_model.model.")])
    optimizer = torch.optim.AdamW(matrices.values(), lr=job["learningRate"], weight_decay=job["weightDecay"])
    warm, total = job["warmupSteps"], job["steps"]
    rate = lambda step: step / warm if step < warm else (total - step) / (total - warm)  # noqa: E731
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    size, losses = job["rowsOfAStep"], []
    steps = [job["rows"][start : start + size] for start in range(0, len(job["rows"]), size)]
    for step in range(total):
        rows = steps[step % len(steps)]
        picked = []
        for row in rows:
            logits = model(torch.tensor([row["ids"]])).logits[0, :-1]
            targets, learnt = torch.tensor(row["ids"])[1:], torch.tensor(row["supervised"])[1:]
            picked.append(torch.nn.functional.cross_entropy(logits[learnt], targets[learnt], reduction="none"))
        loss = torch.cat(picked).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(matrices.values(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    off = max(abs(a - b) / b for a, b in zip(job["losses"], losses, strict=True))
    stored = load_file(out / "peft" / "adapter_model.safetensors")
    apart = torch.cat([(stored[key] - tensor.detach()).abs().flatten() for key, tensor in matrices.items()])
    if off > 1e-3 or float(apart.max()) > 1e-2 or float((apart > 1e-3).float().mean()) > 1e-3:
        raise AssertionError(f"losses apart by {off:.1e}, weights by {float(apart.max()):.1e}")
    return f"losses {losses[0]:.3f} … {losses[-1]:.3f} apart by {off:.1e}, weights by {float(apart.max()):.1e}"


def check_merged(name: str, out: pathlib.Path) -> str:
    model, report = AutoModelForCausalLM.from_pretrained(out / "merged-f32", output_loading_info=True)
    if report["missing_keys"] or report["unexpected_keys"]:
        raise AssertionError(f"keys {report}")
    if model.dtype != torch.float32:
        raise AssertionError(f"loaded as {model.dtype}")
    base, merged = (AutoTokenizer.from_pretrained(path) for path in (FOLDER / "decoders" / name, out / "merged-f32"))
    probe = "SELECT name FROM towns; a café, 14 metres"
    if base(probe)["input_ids"] != merged(probe)["input_ids"] or base.chat_template != merged.chat_template:
        raise AssertionError("the tokenizer is another one")
    return require_within(largest_difference(model.eval(), name, out)[0], TOLERANCE)


def check_merged_half(name: str, out: pathlib.Path) -> str:
    model = AutoModelForCausalLM.from_pretrained(out / "merged-f16")
    if model.dtype != torch.float16:
        raise AssertionError(f"loaded as {model.dtype}")
    worst, size = largest_difference(model.float().eval(), name, out)
    return require_within(worst / size, 1e-2)


def permuted(rows: torch.Tensor, heads: int) -> torch.Tensor:
    """LlamaModel.permute of llama.cpp's converter."""
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def check_gguf(name: str, out: pathlib.Path) -> str:
    reader = GGUFReader(out / "adapter.gguf")
    raw = json.loads((FOLDER / "decoders" / name / "config.json").read_text())
    peft = json.loads((out / "peft" / "adapter_config.json").read_text())
    alpha = peft["lora_alpha"] * (peft["r"] ** 0.5 if peft.get("use_rslora") else 1)
    want = {"general.architecture": raw["model_type"], "general.type": "adapter", "adapter.type": "lora"}
    for key, value in want.items():
        if reader.get_field(key).contents() != value:
            raise AssertionError(f"{key} is {reader.get_field(key).contents()!r}, expected {value!r}")
    if abs(reader.get_field("adapter.lora.alpha").contents() - alpha) > 1e-5:
        raise AssertionError("adapter.lora.alpha is off")
    found = {tensor.name: np.array(tensor.data) for tensor in reader.tensors}
    heads = {"attn_q": raw["num_attention_heads"], "attn_k": raw["num_key_value_heads"]}
    stored = load_file(out / "peft" / "adapter_model.safetensors")
    for key, tensor in stored.items():
        _, layer, part, proj, side, _ = key.removeprefix("base_model.model.").removeprefix("model.").split(".")
        own = LAYERS[f"{part}.{proj}"]
        if raw["model_type"] == "llama" and side == "lora_B" and own in heads:
            tensor = permuted(tensor, heads[own])
        got = found.pop(f"blk.{layer}.{own}.weight.{side.lower()}")
        if got.shape != tuple(tensor.shape) or not np.array_equal(got, tensor.numpy()):
            raise AssertionError(f"{key} has other numbers")
    if found:
        raise AssertionError(f"{list(found)} too many")
    return f"{len(stored)} matrices, alpha {alpha:g}"


def check_chats() -> str:
    """What transformers makes of the conversations of the fixtures today is what our tests compare with."""
    with tempfile.TemporaryDirectory() as place:
        copy = pathlib.Path(place) / "chat"
        shutil.copytree(CHAT, copy)
        (copy / "reference.json").unlink()
        subprocess.run([sys.executable, str(copy / "make_reference.py")], check=True, cwd=copy, capture_output=True)
        if (copy / "reference.json").read_bytes() != (CHAT / "reference.json").read_bytes():
            raise AssertionError("reference.json is another one")
    return "templates, ids and assistant masks as recorded"


def run(label: str, check, *arguments) -> None:
    try:
        print(f"ok      {label}: {check(*arguments)}", flush=True)
    except Exception as error:
        traceback.print_exc()
        print(f"FAILED  {label}: {type(error).__name__}: {error}", flush=True)


def main() -> None:
    run("chat templates", check_chats)
    for out in sorted((FOLDER / "decoder-exports").glob("*/*")):
        name = out.parent.name
        for check in (check_peft, check_training, check_merged, check_merged_half, check_gguf):
            run(f"{name} {out.name} {check.__name__.removeprefix('check_')}", check, name, out)


if __name__ == "__main__":
    main()
