/** losses.py of a cluster folder: every loss of the recipe over the vectors of a whole batch. */
export const CLUSTER_LOSSES = `"""The losses of train.py, over the vectors of a whole batch.

Passages stand in columns: the right one of every question, then the first wrong one of every question, and so on. A
question that has fewer wrong passages than others leaves its columns out.
"""

import torch
import torch.nn.functional as F


def columns_of(rows):
    """What each column of passages is, or None where a question has no such wrong passage."""
    right = [{**row, "text": row["positive"]} for row in rows]
    most = max(len(row["negatives"]) for row in rows)
    wrong = [row["negatives"][k] if k < len(row["negatives"]) else None for k in range(most) for row in rows]
    return right + wrong


def total_loss(config, rows, questions, passages):
    """questions [B, W]; passages [(1 + K) * B, W]. Over prefixes of the vectors for Matryoshka, else over the vectors."""
    loss = LOSSES[config["loss"]["kind"]]
    columns, total = columns_of(rows), 0.0
    for width, weight in zip(config["dimensions"], config["dimension_weights"]):
        cut = [F.normalize(each[:, :width], dim=1) if config["matryoshka"] else each for each in (questions, passages)]
        total = total + weight * loss(config, rows, columns, *cut)
    return total


def anchor_loss(vectors, base):
    """How far general questions have moved from where the base has them."""
    return (vectors - base).square().sum(1).mean()


def cosines(questions, passages):
    return F.normalize(questions, dim=1) @ F.normalize(passages, dim=1).T


def cross_entropy(scores, right, left_out):
    """The mean over rows of -log softmax, averaged over the right columns of each row."""
    kept = scores.masked_fill(torch.tensor(left_out, device=scores.device), float("-inf"))
    logs = F.log_softmax(kept, dim=1)
    return -torch.stack([logs[row, own].mean() for row, own in enumerate(right)]).mean()


def right_columns(config, columns, row, own):
    """The question's own column, then other right passages of the batch, each text once."""
    found, texts = [own], {row["positive"]}
    for place, column in enumerate(columns):
        if config["mask_other_positives"] and column and column["id"] in row["right"] and column["text"] not in texts:
            texts.add(column["text"])
            found.append(place)
    return found[: config["most_right"]]


def mnrl(config, rows, columns, questions, passages):
    masks = config["mask_other_positives"]
    scores = config["loss"]["scale"] * cosines(questions, passages)
    right = [right_columns(config, columns, row, own) for own, row in enumerate(rows)]
    copy = lambda row, column: masks and column["text"] == row["positive"]
    left_out = [
        [column is None or (place not in right[own] and copy(row, column)) for place, column in enumerate(columns)]
        for own, row in enumerate(rows)
    ]
    return cross_entropy(scores, right, left_out)


def symmetric_mnrl(config, rows, columns, questions, passages):
    masks = config["mask_other_positives"]
    scores = config["loss"]["scale"] * cosines(passages[: len(rows)], questions)
    right, left_out = [], []
    for own, row in enumerate(rows):
        copies = [masks and other["positive"] == row["positive"] for other in rows]
        asked = [masks and not copies[j] and row["id"] in other["right"] for j, other in enumerate(rows)]
        right.append([own, *(j for j, also in enumerate(asked) if also and j != own)][: config["most_right"]])
        left_out.append([copies[j] and j not in right[own] for j in range(len(rows))])
    return (mnrl(config, rows, columns, questions, passages) + cross_entropy(scores, right, left_out)) / 2


def triplet(config, rows, columns, questions, passages):
    size, loss = len(rows), config["loss"]
    whole = [row for row in range(size) if len(columns) > size and columns[size + row]]
    asked, right, wrong = questions[whole], passages[whole], passages[[size + row for row in whole]]
    if loss["distance"] == "cosine":
        between = lambda a, b: -(F.normalize(a, dim=1) * F.normalize(b, dim=1)).sum(1)
    else:
        between = lambda a, b: ((a - b).square().sum(1) + 1e-12).sqrt()
    return F.relu(between(asked, right) - between(asked, wrong) + loss["margin"]).sum() / max(1, len(whole))


def cosent(config, rows, columns, questions, passages):
    there = [place for place, column in enumerate(columns) if column]
    taught = all(columns[place].get("score") is not None for place in there)
    labels = [columns[place]["score"] if taught else columns[place].get("grade", 0) for place in there]
    labels = torch.tensor(labels, dtype=torch.float64, device=passages.device)
    asked = questions[[place % len(rows) for place in there]]
    scores = config["loss"]["scale"] * (F.normalize(asked, dim=1) * F.normalize(passages[there], dim=1)).sum(1)
    lower = labels[:, None] < labels[None, :]
    return torch.log1p((scores[:, None] - scores[None, :]).masked_fill(~lower, float("-inf")).exp().sum())


def margin_mse(config, rows, columns, questions, passages):
    size, errors = len(rows), []
    for place, column in enumerate(columns[size:], size):
        right = columns[place % size].get("score")
        if column is None or column.get("score") is None or right is None:
            continue
        own = questions[place % size]
        margin = own @ passages[place % size] - own @ passages[place]
        errors.append((margin - (right - column["score"])).square())
    return torch.stack(errors).mean() if errors else passages.sum() * 0


def kl_distillation(config, rows, columns, questions, passages):
    size, heat, parts = len(rows), config["loss"]["temperature"], []
    for own in range(size):
        places = [p for p in range(own, len(columns), size) if columns[p] and columns[p].get("score") is not None]
        if len(places) < 2:
            continue
        teacher = torch.tensor([columns[p]["score"] for p in places], dtype=passages.dtype, device=passages.device)
        target = F.softmax(teacher / heat, dim=0)
        logs = F.log_softmax(passages[places] @ questions[own] / heat, dim=0)
        parts.append(F.kl_div(logs, target, reduction="sum"))
    return heat**2 * torch.stack(parts).mean() if parts else passages.sum() * 0


LOSSES = {
    "mnrl": mnrl,
    "symmetric-mnrl": symmetric_mnrl,
    "triplet": triplet,
    "cosent": cosent,
    "margin-mse": margin_mse,
    "kl-distillation": kl_distillation,
}
`;
