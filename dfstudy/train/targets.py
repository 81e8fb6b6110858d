"""What a training step is asked for where its samples are mixed: soft labels, and the label that weighs more.

Takes labels by row, a mixer and an epoch; gives both by row. They follow from (seed, epoch, step) alone, as
the loader's batches do, so an interrupted epoch needs no memory of them. Cost: a draw a step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dfstudy.data.order import epoch_order, step_key

if TYPE_CHECKING:
    from dfstudy.augment.mixing import Mixer
    from dfstudy.data.order import Pairing


class Targets(NamedTuple):
    """Of one epoch, by row.

    Attributes:
        soft: float32 [N] in 0..1, what the loss is computed against.
        hard: [N], the label of the image that has the larger share: what accuracy and AUC are counted on. A
            step's images take each other's labels all at once, so that both classes keep their numbers.
    """

    soft: np.ndarray
    hard: np.ndarray


def mixed_targets(
    labels: np.ndarray, mixer: Mixer, seed: int, epoch: int, batch_size: int, pairing: Pairing | None = None
) -> Targets:
    """Targets of an epoch whose samples `mixer` mixes.

    Args:
        labels: [N] by row, 1 is fake.
        pairing: which rows stand in one batch, as the loader was told.
    """
    soft, hard = labels.astype(np.float32), labels.copy()
    order = epoch_order(seed, epoch, len(labels), pairing)
    for step, first in enumerate(range(0, len(labels), batch_size)):
        rows = order[first : first + batch_size]
        mixture = mixer.draw(len(rows), step_key(seed, epoch, step))
        partners = rows[mixture.partners]
        soft[rows] = mixture.labels(labels[rows], labels[partners])
        if mixture.share < 0.5:
            hard[rows] = labels[partners]
    return Targets(soft, hard)
