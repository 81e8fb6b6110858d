"""How an order for a batch becomes one: images read or found in memory, transformed, put beside each other.

Takes paths, labels, a transform and a seed; gives for an `Order` a `Batch`, and in a worker one that arrives
opened. Where a forge is given, a fake row shows what it makes of a real row's image, and keeps its label.
Where an order says how its samples are mixed, labels become soft.
An image that cannot be read makes the whole batch `Unreadable`; a transform that gives no uint8, or another
shape than for the image before, is a ValueError. Cost: reading, transform and one copy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import torch
from torch.utils.data import Dataset, get_worker_info

from dfstudy.data.cache import PictureCache, Recent
from dfstudy.data.images import PictureError
from dfstudy.data.order import sample_key
from dfstudy.errors import StudyError

if TYPE_CHECKING:
    from dfstudy.data.shared_memory import Names, Outbox, Sealed

_recent = Recent()

Transform = Callable[[np.ndarray, int], np.ndarray]


class MixedStep(Protocol):
    """How the samples of a step are mixed, as `dfstudy.augment.mixing` draws it."""

    @property
    def partners(self) -> np.ndarray:
        """int64 [N], places in the step."""

    def blend(self, own: np.ndarray, partner: np.ndarray) -> np.ndarray:
        """The mixed sample."""

    def labels(self, own: np.ndarray, partner: np.ndarray) -> np.ndarray:
        """Soft labels, float32."""


class MixesSteps(Protocol):
    """What draws a `MixedStep` for a step of so many samples from the step's key."""

    def draw(self, count: int, key: int) -> MixedStep:
        """The same in every process."""


class Batch(NamedTuple):
    """Images of one step: uint8 [N, S, S, 3] RGB, float32 [N] (fake = 1), int64 [N] row numbers.

    Labels lie between 0 and 1 where samples were mixed.
    """

    images_NHWC: torch.Tensor
    labels: torch.Tensor
    rows: torch.Tensor


class Order(NamedTuple):
    """What a worker is asked for: (epoch, row) of each image, and the memory it may use again.

    Where samples are mixed, `mixture` says how, and `partners` are the rows that the images are mixed with.
    """

    keys: list[tuple[int, int]]
    returned: Names
    mixture: MixedStep | None = None
    partners: Sequence[int] = ()


class Unreadable(NamedTuple):
    """Sent instead of a batch: an exception would lose its type on the way out of a worker."""

    path: str
    reason: str
    hint: str = "it changed after it was indexed: run `dfstudy index` again, which sets it aside"


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
        # of a mixed batch each sample may be needed twice
        known: dict[int, np.ndarray] = {}
        for place, (epoch, row) in enumerate(order.keys or [(0, 0)]):
            partner = order.partners[place] if order.keys and order.mixture else row
            made = []
            for each in (row, partner) if partner != row else (row,):
                sample = known.get(each)
                if sample is None:
                    sample = self._sample(epoch, each)
                if isinstance(sample, Unreadable):
                    return sample
                if order.mixture:
                    known[each] = sample
                made.append(sample)
            sample = order.mixture.blend(*made) if order.mixture and len(made) > 1 else made[0]
            if images is None:
                if get_worker_info() is not None:
                    slot = self.outbox.take(max(count, 1), sample.shape, order.returned)
                images = np.empty((max(count, 1), *sample.shape), np.uint8) if slot is None else slot.pictures
            if (sample.shape, sample.dtype) != (images.shape[1:], images.dtype):
                raise ValueError(
                    f"{self.paths[row]}: the transform gave {sample.dtype} {list(sample.shape)}, "
                    f"not uint8 {list(images.shape[1:])} as before"
                )
            images[place] = sample
        rows = np.array([row for _, row in order.keys], np.int64)
        labels = self.labels[rows]
        if order.mixture:
            labels = order.mixture.labels(labels, self.labels[np.array(order.partners, np.int64)])
        if slot is None:
            return Batch(*map(torch.from_numpy, (images[:count], labels, rows)))
        return self.outbox.seal(slot, count, Batch, labels, rows)

    def _sample(self, epoch: int, row: int) -> np.ndarray | Unreadable:
        """The sample of a row in an epoch, as its key makes it."""
        key = sample_key(self.seed, epoch, row)
        forge = self.forge if self.labels[row] == 1 else None
        shown = self._source(key) if forge else row
        try:
            picture = self._picture(shown)
        except (PictureError, OSError) as error:
            return Unreadable(self.paths[shown], str(error))
        try:
            return forge(picture, key) if forge else self.transform(picture, key)
        except StudyError as error:  # of a policy of the user's own
            return Unreadable(self.paths[shown], error.message, error.hint)

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
