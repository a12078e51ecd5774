"""Records adapter trainings by torch in the format of `npm run parity`, with settings no fixture of the tests has.

Usage: parity_fixtures.py FOLDER
"""

import json
import pathlib
import sys

import torch
from llama_index.embeddings.adapter.utils import LinearLayer, TwoLayerNN
from safetensors.torch import save_file

CASES = {
    "odd-dimensions": dict(dim=37, n=29, batch=8, hidden=51, activation="relu", residual=False),
    "batch-larger-than-n": dict(dim=24, n=9, batch=16, bias=True),
    "leaky-relu-residual": dict(dim=20, n=23, batch=5, hidden=30, activation="leaky_relu", residual=True, lr=1e-2),
    "sigmoid-own-betas": dict(
        dim=16, n=18, batch=6, hidden=10, activation="sigmoid", residual=True, betas=(0.8, 0.95), eps=1e-6
    ),
    "no-warm-up-no-decay": dict(dim=33, n=40, batch=10, warmup=0, weight_decay=0.0, scale=50.0),
    "tight-clipping": dict(dim=12, n=30, batch=7, warmup=9, max_grad_norm=0.1, lr=5e-3, bias=True),
    "one-row-batches": dict(dim=18, n=5, batch=2, hidden=7, activation="tanh", residual=True),
}


def model_of(dim: int, hidden: int | None, bias: bool, activation: str, residual: bool) -> torch.nn.Module:
    if hidden is None:
        return LinearLayer(dim, dim, bias=bias)
    return TwoLayerNN(dim, hidden, dim, bias=True, activation_fn_str=activation, add_residual=residual)


def record(
    folder: pathlib.Path,
    name: str,
    *,
    dim: int,
    n: int,
    batch: int,
    hidden: int | None = None,
    bias: bool = False,
    activation: str = "relu",
    residual: bool = False,
    epochs: int = 3,
    lr: float = 1e-3,
    scale: float = 20.0,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.01,
    max_grad_norm: float = 1.0,
    warmup: int = 2,
) -> None:
    torch.manual_seed(len(name))
    queries = torch.randn(n, dim)
    documents = 0.5 * queries + torch.randn(n, dim)
    model = model_of(dim, hidden, bias, activation, residual)
    tensors = {"q": queries, "d": documents}
    tensors |= {f"init.{key}": value.detach().clone() for key, value in model.state_dict().items()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
    total = -(-n // batch) * epochs
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda i: i / max(1, warmup) if i < warmup else max(0.0, (total - i) / max(1, total - warmup)),
    )
    losses, norms, rates = [], [], []
    for epoch in range(epochs):
        for start in range(0, n, batch):
            rates.append(schedule.get_last_lr()[0])
            answers = torch.nn.functional.normalize(model(queries[start : start + batch]), dim=1)
            targets = torch.nn.functional.normalize(documents[start : start + batch], dim=1)
            loss = torch.nn.functional.cross_entropy(scale * answers @ targets.T, torch.arange(len(answers)))
            loss.backward()
            losses.append(loss.item())
            norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), max_grad_norm).item())
            if not rates[1:]:
                tensors |= {
                    f"grad1.{key}": value.grad.clone()
                    for key, value in model.named_parameters()
                    if value.grad is not None
                }
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
    tensors |= {f"final.{key}": value.detach().clone() for key, value in model.state_dict().items()}
    tensors["out"] = model(queries).detach()
    settings = {
        "kind": "adapter",
        "dim": dim,
        "n": n,
        "batch": batch,
        "epochs": epochs,
        "lr": lr,
        "scale": scale,
        "betas": list(betas),
        "eps": eps,
        "weight_decay": weight_decay,
        "max_grad_norm": max_grad_norm,
        "warmup_steps": warmup,
        "total_steps": total,
        "config": model.get_config_dict(),
        "losses": losses,
        "grad_norms_before_clip": norms,
        "learning_rates": rates,
    }
    (folder / f"{name}.json").write_text(json.dumps(settings, indent=1))
    save_file({key: value.contiguous() for key, value in tensors.items()}, str(folder / f"{name}.safetensors"))


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, settings in CASES.items():
        record(folder, name, **settings)


if __name__ == "__main__":
    main()
