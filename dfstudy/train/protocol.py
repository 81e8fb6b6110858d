"""The recipe as formulas: loss weight, loss, optimiser and learning rate of every step.

Takes `study.Training`, counts and the flaws of the original protocol that are on; gives plain numbers and
torch objects.
The learning rate is a function of the step alone, so an interrupted training needs no scheduler's memory to
go on.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from dfstudy.errors import StudyError

if TYPE_CHECKING:
    from dfstudy.study.recipe import Training

# The one-cycle policy of Smith and Topin (arXiv 1708.07120) with torch's OneCycleLR defaults: the rate rises
# from a 25th of its maximum over the first 30 %, then falls to a 10,000th of where it began.
RISE, START, END = 0.3, 1 / 25, 1 / 25 / 10_000


def fake_weight(labels: np.ndarray, class_weight: str, inverted: bool = False) -> float:
    """Weight of a fake in the loss: n_real / n_fake of the training rows, or 1 for "none".

    Args:
        inverted: a flaw of the original protocol. There real was 1, and n_real / n_fake weighed the
            reals; beside reals that weigh 1 this is n_fake / n_real for a fake.
    Raises:
        StudyError: one class is missing, so there is nothing to learn.
    """
    fakes = int(labels.sum())
    reals = len(labels) - fakes
    if not fakes or not reals:
        raise StudyError(
            f"the training part holds {reals} real and {fakes} fake images",
            "give images of both classes; a different data.split_seed may divide few groups better",
        )
    if inverted:
        return fakes / reals
    return reals / fakes if class_weight == "balanced" else 1.0


def loss_of_each(logits: Tensor, labels: Tensor, weight: float) -> Tensor:
    """Binary cross-entropy of each image [N], fakes weighted; same type as the logits.

    Labels may be soft: the loss is linear in them, so a sample mixed of two has the mean of both losses by
    their shares, each with the weight of its class.
    """
    # filled on the device: a copy from the host would make a GPU wait
    pos_weight = torch.full((), weight, dtype=logits.dtype, device=logits.device)
    return nn.functional.binary_cross_entropy_with_logits(
        logits, labels, pos_weight=pos_weight, reduction="none"
    )


def build_optimiser(network: nn.Module, settings: Training) -> torch.optim.Optimizer:
    """The optimiser over the trainable parameters; weight decay acts on all of them.

    Fused: one pass over all of them, in place of several passes over each.
    """
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimiser == "adamw":
        return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay, fused=True)
    nesterov = settings.optimiser == "nesterov"
    return torch.optim.SGD(
        parameters,
        lr=rate,
        momentum=0.9 if nesterov else 0.0,
        weight_decay=decay,
        nesterov=nesterov,
        fused=True,
    )


def learning_rate(settings: Training, step: int, steps_per_epoch: int) -> float:
    """Rate of step 0, 1, ... of the whole training, as if all epochs were run.

    `step` falls by `step_factor` every `step_epochs`; `cosine` falls from the top to 0 after a linear
    rise over `warmup_epochs`; `one_cycle` rises and falls once.
    """
    top = settings.learning_rate
    total = settings.epochs * steps_per_epoch
    if settings.schedule == "constant":
        return top
    if settings.schedule == "step":
        return top * settings.step_factor ** (step // steps_per_epoch // settings.step_epochs)
    if settings.schedule == "cosine":
        rise = settings.warmup_epochs * steps_per_epoch
        if step < rise:
            return top * (step + 1) / (rise + 1)
        return top * _fall((step - rise) / max(total - rise, 1))
    peak = RISE * total - 1
    if step <= peak:
        return top * (START + (1 - START) * (1 - _fall(step / peak)))
    return top * (END + (1 - END) * _fall((step - peak) / (total - 1 - peak)))


def _fall(done: float) -> float:
    """Half a cosine from 1 to 0."""
    return 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
