"""How an order for a batch becomes one: images read or found in memory, transformed, put beside each other.

Takes paths, labels, a transform and a seed; gives for an `Order` a `Batch`, and in a worker one that arrives
opened. Where a forge is given, a fake row shows what it makes of a real row's image, and keeps its label.
An image that cannot be read makes the whole batch `Unreadable`; a transform that gives no uint8, or another
shape than for the image before, is a ValueError. Cost: reading, transform and one copy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset, get_worker_info

from dfstudy.data.cache import PictureCache, Recent
from dfstudy.data.images import PictureError
from dfstudy.data.order import sample_key

if TYPE_CHECKING:
    from dfstudy.data.shared_memory import Names, Outbox, Sealed

_recent = Recent()

Transform = Callable[[np.ndarray, int], np.ndarray]


class Batch(NamedTuple):
    """Images of one step: uint8 [N, S, S, 3] RGB, float32 [N] (fake = 1), int64 [N] row numbers."""

    images_NHWC: torch.Tensor
    labels: torch.Tensor
    rows: torch.Tensor


class Order(NamedTuple):
    """What a worker is asked for: (epoch, row) of each image, and the memory it may use again."""

    keys: list[tuple[int, int]]
    returned: Names


class Unreadable(NamedTuple):
    """Sent instead of a batch: an exception would lose its type on the way out of a worker."""

    path: str
    reason: str


class Samples(Dataset[Batch]):
    """What a worker holds: where the images lie, and how one becomes a sample."""

    def __init__(
        self,
        paths: list[str],
        labels: Sequence[int] | np.ndarray,
        transform: Transform,
        seed: int,
        cache: PictureCache | None,
        forge: Transform | None = None,
    ) -> None:
        self.paths = paths
        self.labels = np.asarray(labels, np.float32)
        self.transform = transform
        self.seed = seed
        self.cache = cache
        self.forge = forge
        self.reals = np.flatnonzero(self.labels == 0)
        self.outbox: Outbox

    def __getitems__(self, order: Order) -> Batch | Sealed | Unreadable:
        """One batch, from its (epoch, row) pairs; of none, the parts have length 0 and their usual shape."""
        count, images, slot = len(order.keys), None, None
        for place, (epoch, row) in enumerate(order.keys or [(0, 0)]):
            key = sample_key(self.seed, epoch, row)
            forged = self.forge is not None and self.labels[row] == 1
            shown = self._source(key) if forged else row
            try:
                picture = self._picture(shown)
            except (PictureError, OSError) as error:
                return Unreadable(self.paths[shown], str(error))
            sample = self.forge(picture, key) if forged else self.transform(picture, key)
            if images is None:
                if get_worker_info() is not None:
                    slot = self.outbox.take(max(count, 1), sample.shape, order.returned)
                images = np.empty((max(count, 1), *sample.shape), np.uint8) if slot is None else slot.pictures
            if (sample.shape, sample.dtype) != (images.shape[1:], images.dtype):
                raise ValueError(
                    f"{self.paths[shown]}: the transform gave {sample.dtype} {list(sample.shape)}, "
                    f"not uint8 {list(images.shape[1:])} as before"
                )
            images[place] = sample
        rows = np.array([row for _, row in order.keys], np.int64)
        if slot is None:
            return Batch(*map(torch.from_numpy, (images[:count], self.labels[rows], rows)))
        return self.outbox.seal(slot, count, Batch, self.labels[rows], rows)

    def _source(self, key: int) -> int:
        """The real row that a fake row shows: its sample's key decides, mixed once more, so that the forge,
        whose stream the key itself seeds, draws independently of it."""
        return int(self.reals[sample_key(key, 0, 0) % len(self.reals)])

    def _picture(self, row: int) -> np.ndarray:
        picture = None if self.cache is None else self.cache.find(row)
        if picture is None:
            picture = _recent.read(self.paths[row])
            if self.cache is not None:
                self.cache.store(row, picture)
        return picture
