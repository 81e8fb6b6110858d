"""A few images that are in memory, through a finished run's network.

Takes a run and images uint8 [H, W, 3] RGB of any size; gives their logits as `predict` would, in batches of
exactly 64 that are filled up with copies. Refused: weights that changed. Cost: loading the network, and a
forward pass of 64 images for each 64 or fewer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dfstudy.predict.predict import BATCH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dfstudy.train.run import Run

# torch is imported where it is used, as in `predict`


def predict_images(run: Run, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """float64 [n] of the float32 logits of fake, by the run's best weights.

    Raises:
        StudyError: the run is not finished, or its weights changed.
    """
    import torch

    from dfstudy.augment.policies import build_policy
    from dfstudy.data.samples import Batch
    from dfstudy.model.checkpoint import load_checkpoint
    from dfstudy.model.device import Normalisation, find_place, predict_logits

    network, told = load_checkpoint(run.folder)
    place = find_place(told["training"])
    network.to(place.device)
    normalisation = Normalisation.of(told["normalisation"])
    resize = build_policy("none", told["size"], train=False)
    squares = [resize(image, 0) for image in images]
    found: list[float] = []
    for start in range(0, len(squares), BATCH):
        part = squares[start : start + BATCH]
        filled = np.stack([part[min(at, len(part) - 1)] for at in range(BATCH)])
        batch = Batch(torch.from_numpy(filled), torch.zeros(BATCH), torch.arange(BATCH))
        logits = predict_logits(network, [batch], BATCH, normalisation, place)
        found += logits[: len(part)].double().tolist()
    return np.array(found)
