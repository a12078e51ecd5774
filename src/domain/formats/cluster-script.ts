/** train.py of a cluster folder: plain enough to be read before it is run on someone's machines. */
export const CLUSTER_SCRIPT = `"""Repeats a Retune training on any number of GPUs: the same batches in the same order, and the same gradient.

    accelerate launch --num_processes 4 train.py        python ray_train.py 4        python train.py
    python train.py --print-batches RANK WORLD          what that process would train on, without a model

Every process embeds its share of a batch, all vectors are gathered, and each process derives the loss of the whole
batch by its own vectors; the sum over processes is the gradient that one GPU would have computed.
"""

import json
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent


def lines(folder, name):
    with open(folder / name, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def share(batch, rank, world):
    """The rows of a batch that a process embeds: consecutive, sizes differ by one at most."""
    return batch[rank * len(batch) // world : (rank + 1) * len(batch) // world]


def gathered(own, batch, rank, world):
    """The vectors of all of a batch in its order; those of other processes are constants here."""
    import torch
    import torch.distributed as dist

    if world == 1:
        return own
    sizes = [len(share(batch, other, world)) for other in range(world)]
    padded = own.new_zeros(max(sizes), own.shape[1])
    padded[: len(own)] = own.detach()
    parts = [torch.empty_like(padded) for _ in sizes]
    dist.all_gather(parts, padded)
    parts = [part[:size] for part, size in zip(parts, sizes)]
    parts[rank] = own
    return torch.cat(parts)


def optimizer_of(config, model):
    import torch
    from transformers import get_linear_schedule_with_warmup

    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    bare = lambda name: "bias" in name or "LayerNorm" in name
    groups = [
        {"params": [p for name, p in named if not bare(name)], "weight_decay": config["weight_decay"]},
        {"params": [p for name, p in named if bare(name)], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=config["learning_rate"])
    schedule = get_linear_schedule_with_warmup(optimizer, config["warmup_steps"], config["steps"])
    return [parameter for _, parameter in named], optimizer, schedule


def open_model(config, device):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(config["base"], device=device)
    model.max_seq_length = config["max_tokens"]
    if config["lora"]:
        from peft import LoraConfig

        model.add_adapter(LoraConfig(task_type="FEATURE_EXTRACTION", **config["lora"]))
    return model


def anchors_of(config, step):
    """Which of the general questions a step holds in place: in turn."""
    count, each = len(config["anchors"]), config["anchors_per_step"]
    return [(step * each + place) % count for place in range(each)]


def main(folder=HERE):
    import torch
    import torch.distributed as dist
    from losses import anchor_loss, total_loss

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    rows, steps = lines(folder, "train.jsonl"), lines(folder, "batches.jsonl")
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    cuda = torch.cuda.is_available()
    device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if cuda else "cpu"
    if world > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if cuda else "gloo")
    torch.manual_seed(config["seed"])  # LoRA starts from the same numbers everywhere
    model = open_model(config, device)
    torch.manual_seed(config["seed"] + rank)  # dropout differs
    parameters, optimizer, schedule = optimizer_of(config, model)
    prompts = config["prompts"]

    def vectors(texts):
        if not texts:
            return torch.zeros(0, model.get_sentence_embedding_dimension(), device=device)
        features = {key: value.to(device) for key, value in model.tokenize(texts).items() if hasattr(value, "to")}
        return model(features)["sentence_embedding"]

    def loss_of(step, batch):
        own, whole = [rows[index] for index in share(batch, rank, world)], [rows[index] for index in batch]
        columns = [[prompts["query"] + row["anchor"] for row in own]]
        columns.append([prompts["document"] + row["positive"] for row in own])
        for k in range(max(len(row["negatives"]) for row in whole)):
            wrong = [row["negatives"][k]["text"] if k < len(row["negatives"]) else "" for row in own]
            columns.append([prompts["document"] + text for text in wrong])
        questions, *passages = [gathered(vectors(column), batch, rank, world) for column in columns]
        loss = total_loss(config, whole, questions, torch.cat(passages))
        if config["anchors"]:
            places = anchors_of(config, step)
            mine = [prompts["query"] + config["anchors"][place] for place in share(places, rank, world)]
            moved = gathered(vectors(mine), places, rank, world)
            loss = loss + config["anchor_weight"] * anchor_loss(moved, base[places])
        return loss

    with torch.no_grad():  # where the general questions are before training
        model.eval()
        base = vectors([prompts["query"] + anchor for anchor in config["anchors"]])
    model.train() if config["dropout"] else model.eval()
    for step, batch in enumerate(steps):
        loss = loss_of(step, batch)
        optimizer.zero_grad()
        if loss.requires_grad:
            loss.backward()
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            if world > 1:
                dist.all_reduce(parameter.grad)
        torch.nn.utils.clip_grad_norm_(parameters, config["clip"])
        optimizer.step()
        schedule.step()
        if rank == 0:
            print(json.dumps({"step": step + 1, "of": len(steps), "loss": round(loss.item(), 6)}), flush=True)
    if rank == 0:
        model.save(str(folder / "trained"), create_model_card=False)
    if world > 1:
        dist.barrier()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--print-batches"]:
        for batch in lines(HERE, "batches.jsonl"):
            print(json.dumps(share(batch, int(sys.argv[2]), int(sys.argv[3]))))
    else:
        main()
`;

/** ray_train.py: the same main() in Ray Train's workers, which see the folder by the same path. */
export const RAY_SCRIPT = `"""Runs train.py in Ray Train. Usage: python ray_train.py WORKERS  (the folder must lie on a file system they share)"""

import pathlib
import sys

import torch
from ray.train import ScalingConfig
from ray.train.torch import TorchTrainer

FOLDER = str(pathlib.Path(__file__).resolve().parent)


def work():
    sys.path.insert(0, FOLDER)
    import train

    train.main(pathlib.Path(FOLDER))


if __name__ == "__main__":
    scaling = ScalingConfig(num_workers=int(sys.argv[1]), use_gpu=torch.cuda.is_available())
    TorchTrainer(work, scaling_config=scaling).fit()
`;
