"""What validation decides while a run trains: the epoch.

Takes logits and labels (fake = 1) of one part; gives exact means over images, unless a flaw of the
original protocol is on. Ties are settled by a rule, never by order. Refuses a part with one class, in which
none of this is defined.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from dfstudy.errors import StudyError
from dfstudy.train.protocol import loss_of_each


@dataclass(frozen=True)
class Scores:
    """Loss (weighted as in training), accuracy at probability 1/2, and AUC of one part."""

    loss: float
    accuracy: float
    auc: float


def score(
    logits: torch.Tensor,
    labels: np.ndarray,
    weight: float,
    batch: int | None = None,
    soft: np.ndarray | None = None,
) -> Scores:
    """Exact scores over all images, computed in float64.

    Args:
        logits: float32 [N] on the CPU.
        labels: [N], 1 is fake.
        weight: of a fake in the loss.
        batch: None; a number takes loss and accuracy as `mean_of_means` of batches of so many, a flaw
            of the original protocol. The AUC is no mean and stays.
        soft: labels [N] in 0..1 for the loss, where samples were mixed; None takes `labels`.
    """
    exact = logits.double()
    targets = (labels if soft is None else soft).astype(np.float64)
    losses = loss_of_each(exact, torch.from_numpy(targets), weight).numpy()
    hits = (exact.numpy() >= 0) == labels.astype(bool)
    loss, accuracy = (mean_of_means(each, batch or len(labels)) for each in (losses, hits))
    return Scores(loss, accuracy, float(roc_auc_score(labels, exact.numpy())))


def mean_of_means(values: np.ndarray, batch: int) -> float:
    """Mean of the means of successive batches: a last, smaller batch counts like a whole one.

    >>> mean_of_means(np.array([0.0, 0.0, 0.0, 1.0]), 3)
    0.5
    """
    return float(np.mean([values[at : at + batch].mean() for at in range(0, len(values), batch)]))


def check_both_classes(labels: np.ndarray, part: str) -> None:
    """Refuse a part that holds one class only."""
    if len(np.unique(labels)) < 2:
        raise StudyError(
            f"the {part} part holds one class only ({len(labels)} images)",
            "give more images or groups, raise data.val_fraction, or change data.split_seed",
        )


def is_better(scores: Scores, best: float | None, select_by: str, rounded: bool = False) -> bool:
    """True where an epoch beats the best so far; an equal one does not, so the earlier epoch stays.

    `rounded` is a flaw of the original protocol: the loss decides, rounded to two digits, whatever
    `select_by` says.
    """
    value = selected_value(scores, select_by, rounded)
    if best is None:
        return True
    return value > best if select_by == "auc" and not rounded else value < best


def selected_value(scores: Scores, select_by: str, rounded: bool = False) -> float:
    """The quantity that picks the epoch: `auc` or `loss`, or the `rounded` loss."""
    if rounded:
        return round(scores.loss, 2)
    return scores.auc if select_by == "auc" else scores.loss
