"""The original notebook's loading and training, written plainly: what every ratio is taken against.

Takes image paths and labels; gives float32 batches and one training step. Kept as it was where speed is
concerned: a Compose built for each image, no worker process, float32 images in 0..255, float32
arithmetic, the loss on the CPU, `.item()` after every step, frozen parts in training mode. The transforms
and their order are those of the policy `original`, by the recorded classes of albumentations, with the names
that its release 2 gives to their arguments.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

# albumentations asks a server for updates while it is imported, unless told otherwise first
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import albumentations as A
import cv2
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset


def build_transforms(size: int) -> A.Compose:
    """The recorded augmentation; built anew for every image."""
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
            A.ShiftScaleRotate(
                shift_limit=0.1, scale_limit=0.2, rotate_limit=5, border_mode=cv2.BORDER_CONSTANT, p=0.5
            ),
        ]
    )


class RecordedPictures(Dataset):
    """Images float32 [S, S, 3] in 0..255 and their labels."""

    def __init__(self, paths: Sequence[Path], labels: Sequence[int], size: int) -> None:
        self.paths, self.labels, self.size = paths, labels, size

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> tuple[Tensor, float]:
        picture = cv2.imread(str(self.paths[row]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the library would rather have ShiftScaleRotate called Affine
            picture = build_transforms(self.size)(image=picture)["image"]
        return torch.tensor(picture).float(), float(self.labels[row])


def recorded_batches(
    paths: Sequence[Path], labels: Sequence[int], size: int, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of images float32 [N, S, S, 3] and labels float32 [N], one after the other."""
    loader = DataLoader(RecordedPictures(paths, labels, size), batch_size=batch_size)
    for pictures, targets in loader:
        yield pictures, targets.float()


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
