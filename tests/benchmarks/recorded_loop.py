"""The recorded notebook's loading and training, written plainly: what every ratio is taken against.

Takes picture paths and labels; gives float32 batches and one training step. Kept as it was where speed is
concerned: a Compose built for each picture, no worker process, float32 pictures in 0..255, float32
arithmetic, the loss on the CPU, `.item()` after every step, frozen parts in training mode. The transforms
and their order are those of the policy `seed`, by albumentations' own classes with values from its
recorded ones (release 2 has other names for them).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

# albumentations asks a server for updates while it is imported, unless told otherwise first
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import albumentations as A
import cv2
import numpy as np
import torch
from torch import Tensor, nn


def build_transforms(size: int) -> A.Compose:
    """The recorded augmentation; built anew for every picture."""
    noise = (10**0.5 / 255, 50**0.5 / 255)
    return A.Compose(
        [
            A.ImageCompression(quality_range=(60, 100), p=0.2),
            A.GaussNoise(std_range=noise, p=0.3),
            A.HorizontalFlip(p=0.5),
            A.OneOf(
                [
                    A.LongestMaxSize(size, interpolation=cv2.INTER_CUBIC, area_for_downscale="image"),
                    A.LongestMaxSize(size, interpolation=cv2.INTER_LINEAR, area_for_downscale="image"),
                    A.LongestMaxSize(size, interpolation=cv2.INTER_LINEAR),
                ],
                p=1.0,
            ),
            A.PadIfNeeded(min_height=size, min_width=size, border_mode=cv2.BORDER_CONSTANT),
            A.OneOf([A.RandomBrightnessContrast(), A.FancyPCA(), A.HueSaturationValue()], p=0.4),
            A.ToGray(p=0.2),
            # the library's ShiftScaleRotate is this class, with a warning
            A.Affine(
                translate_percent=(-0.1, 0.1),
                scale=(0.8, 1.2),
                rotate=(-5, 5),
                border_mode=cv2.BORDER_CONSTANT,
                p=0.5,
            ),
        ]
    )


def recorded_batches(
    paths: Sequence[Path], labels: Sequence[int], size: int, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of pictures float32 [N, S, S, 3] in 0..255 and labels float32 [N], one after the other."""
    for first in range(0, len(paths), batch_size):
        rows = range(first, min(first + batch_size, len(paths)))
        pictures = [_load(paths[row], size) for row in rows]
        yield torch.stack(pictures), torch.tensor([float(labels[row]) for row in rows])


def _load(path: Path, size: int) -> Tensor:
    picture = cv2.imread(str(path))
    picture = build_transforms(size)(image=picture)["image"]
    return torch.tensor(np.asarray(picture)).float()


def recorded_step(
    network: nn.Module, rate: float = 0.01, weight: float = 1.0
) -> Callable[[Tensor, Tensor], float]:
    """A function that makes one recorded step on a batch and gives its loss."""
    device = next(network.parameters()).device
    optimiser = torch.optim.SGD(network.parameters(), lr=rate, weight_decay=1e-7)
    loss_of = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([weight]))
    network.train()

    def step(pictures: Tensor, labels: Tensor) -> float:
        pictures = pictures.permute(0, 3, 1, 2).contiguous().to(device)
        logits = network(pictures).cpu()
        loss = loss_of(logits, labels.unsqueeze(1))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()

    return step
