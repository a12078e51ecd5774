"""The adapter step and the matrix product in torch on one thread: CPU milliseconds as JSON, one line a case."""

import json
import statistics
import sys
import time

import torch

torch.set_num_threads(1)
torch.manual_seed(0)

FEATURES, HIDDEN, ROWS, SCALE = 384, 1024, 640, 20


def unit(rows: int) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(rows, FEATURES), dim=1)


def measured(work, count: int, repeats: int = 5) -> dict:
    """Median CPU and smallest wall milliseconds of one unit."""
    cpu, wall = [], []
    for _ in range(repeats):
        started, clock = time.process_time(), time.perf_counter()
        for _ in range(count):
            work()
        cpu.append((time.process_time() - started) * 1000 / count)
        wall.append((time.perf_counter() - clock) * 1000 / count)
    return {"cpuMs": statistics.median(cpu), "wallMs": min(wall)}


def adapter(two_layer: bool) -> torch.nn.Module:
    if two_layer:
        return torch.nn.Sequential(
            torch.nn.Linear(FEATURES, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, FEATURES)
        )
    linear = torch.nn.Linear(FEATURES, FEATURES, bias=False)
    torch.nn.init.eye_(linear.weight)
    return linear


def training(two_layer: bool, batch: int, fused: bool):
    queries = unit(ROWS)
    documents = torch.nn.functional.normalize(0.3 * queries + unit(ROWS), dim=1)
    model = adapter(two_layer)
    factor = torch.nn.Parameter(torch.ones(1))  # LlamaIndex's learnt residual factor
    parameters = [*model.parameters(), *([factor] if two_layer else [])]
    optimizer = torch.optim.AdamW(parameters, lr=2e-3, weight_decay=0.01, fused=fused)
    labels = torch.arange(batch)
    position = 0

    def step() -> None:
        nonlocal position
        start = position * batch % ROWS
        position += 1
        x = queries[start : start + batch]
        y = factor * model(x) + x if two_layer else model(x)
        scores = SCALE * torch.nn.functional.normalize(y, dim=1) @ documents[start : start + batch].T
        loss = torch.nn.functional.cross_entropy(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()

    return step


def measure_steps() -> None:
    for two_layer in (False, True):
        for batch in (10, 64):
            step = training(two_layer, batch, fused=True)
            for _ in range(20):
                step()
            row = {"twoLayer": two_layer, "batchSize": batch, **measured(step, 60)}
            print(json.dumps(row), flush=True)


def measure_product() -> None:
    size = 512
    a, b = torch.randn(size, size), torch.randn(size, size)
    a @ b
    print(json.dumps({"size": size, **measured(lambda: a @ b, 20)}), flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["matmul"]:
        measure_product()
    else:
        measure_steps()
