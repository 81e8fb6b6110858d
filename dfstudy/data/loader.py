"""Batches of pictures, exactly the same for any number of worker processes.

Takes paths, labels and a transform `transform(picture uint8 [H, W, 3], key) -> uint8 [S, S, 3]`; gives
batches of uint8 [N, S, S, 3] RGB, labels and row numbers. Pictures travel as uint8, a quarter of float32,
and are normalised on the device. The order of an epoch depends on (seed, epoch) alone and a sample on
(seed, epoch, row) alone, so neither workers nor an interruption change a byte. A picture that cannot be
read is refused with its name and never replaced by another. Cost: that of decoding and transform.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from dfstudy.data.images import PictureError, read_picture
from dfstudy.errors import StudyError

Transform = Callable[[np.ndarray, int], np.ndarray]

MASK = 2**64 - 1
ORDER = MASK  # stands where a row number would: no row is that large, so the order has its own stream


class Batch(NamedTuple):
    """Pictures of one step: uint8 [N, S, S, 3] RGB, float32 [N] (fake = 1), int64 [N] row numbers."""

    images_NHWC: torch.Tensor
    labels: torch.Tensor
    rows: torch.Tensor


class Unreadable(NamedTuple):
    """Sent instead of a batch: an exception would lose its type on the way out of a worker."""

    path: str
    reason: str


def sample_key(seed: int, epoch: int, index: int) -> int:
    """64-bit key of one sample: seeds the random streams of its transform.

    Each part is mixed in with the finaliser of SplitMix64 (Steele, Lea and Flood 2014), a bijection in
    which every input bit moves about half of the output bits: within an epoch no two rows share a key.
    """
    key = 0
    for part in (seed, epoch, index):
        key = _mix(key + part)
    return key


def _mix(value: int) -> int:
    value = (value + 0x9E3779B97F4A7C15) & MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def epoch_order(seed: int, epoch: int, count: int) -> np.ndarray:
    """Row numbers int64 [count] in the shuffled order of one epoch."""
    return np.random.default_rng(sample_key(seed, epoch, ORDER)).permutation(count)


def count_workers(workers: int | Literal["auto"]) -> int:
    """Worker processes for this machine: a number as it is, `auto` by the cores that may be used.

    With a GPU the cores are free for pictures: all but one, at most 16. Without one the network needs
    them: half, at most 4.
    """
    if workers != "auto":
        return workers
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores - 1, 16)) if torch.cuda.is_available() else min(cores // 2, 4)


def make_loader(
    paths: Sequence[str | Path],
    labels: Sequence[int],
    transform: Transform,
    *,
    batch_size: int,
    workers: int | Literal["auto"],
    seed: int = 0,
    shuffle: bool = False,
) -> Loader:
    """A loader over pictures; row i is `paths[i]` with `labels[i]`.

    Args:
        paths: picture files, readable by `read_picture`.
        labels: 0 real, 1 fake.
        transform: called with a picture and its `sample_key`; must survive pickling.
        batch_size: pictures a batch; the last batch holds what is left.
        workers: processes that read and transform, 0 for none, or `auto` (see `count_workers`).
        seed: of order and transform.
        shuffle: a new order each epoch; otherwise by row number.
    """
    if len(paths) != len(labels) or not len(paths):
        raise ValueError(f"{len(paths)} paths and {len(labels)} labels: one label a path, and at least one")
    samples = _Samples([str(path) for path in paths], labels, transform, seed)
    return Loader(samples, _EpochBatches(len(paths), batch_size, seed, shuffle), count_workers(workers))


class Loader:
    """Epochs of batches. Workers start with the first epoch and stay until `close`; also a `with` block."""

    def __init__(self, samples: _Samples, batches: _EpochBatches, workers: int) -> None:
        self._batches = batches
        self._turn = 0
        self._running: Iterator[Batch | Unreadable] | None = None
        self._loader: DataLoader[Batch] = DataLoader(
            samples,
            batch_sampler=batches,
            num_workers=workers,
            collate_fn=_as_it_is,
            persistent_workers=workers > 0,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=_begin_worker,
            # it draws a seed an epoch: from torch's global stream, that would move dropout and the like
            generator=torch.Generator(),
        )

    def __len__(self) -> int:
        """Batches of a whole epoch."""
        return len(self._batches)

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from number `start_batch` on: where an interrupted epoch goes on.

        One epoch runs at a time: a new call ends the one before.

        Raises:
            StudyError: a picture cannot be read (while iterating).
        """
        if not 0 <= start_batch <= len(self):
            raise ValueError(f"start_batch {start_batch} lies outside 0..{len(self)}")
        self._turn += 1
        return self._iterate(epoch, start_batch, self._turn)

    def _iterate(self, epoch: int, start_batch: int, turn: int) -> Iterator[Batch]:
        for number in range(start_batch, len(self)):
            if turn != self._turn:
                raise RuntimeError("this epoch has ended: the loader was closed or began another epoch")
            if number == start_batch:
                self._batches.epoch, self._batches.start = epoch, start_batch
                self._running = iter(self._loader)
            batch = next(self._running)
            if isinstance(batch, Unreadable):
                raise StudyError(
                    f"{batch.path}: {batch.reason}",
                    "it changed after it was indexed: run `dfstudy index` again, which sets it aside",
                )
            yield batch

    def close(self) -> None:
        """End the workers and wait for them; a later `epoch` would start new ones."""
        self._turn += 1
        if self._running is not None and self._loader.num_workers:
            # DataLoader has no public way to end its workers before the garbage collector does
            self._running._shutdown_workers()
            self._loader._iterator = None
        self._running = None

    def __enter__(self) -> Loader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Samples(Dataset[Batch]):
    """What a worker holds: where the pictures lie, and how one becomes a sample."""

    def __init__(self, paths: list[str], labels: Sequence[int], transform: Transform, seed: int) -> None:
        self.paths = paths
        self.labels = np.asarray(labels, np.float32)
        self.transform = transform
        self.seed = seed

    def __getitems__(self, keys: list[tuple[int, int]]) -> Batch | Unreadable:
        """One batch, from its (epoch, row) pairs."""
        pictures = []
        for epoch, row in keys:
            try:
                picture = read_picture(Path(self.paths[row]))
            except (PictureError, OSError) as error:
                return Unreadable(self.paths[row], str(error))
            pictures.append(self.transform(picture, sample_key(self.seed, epoch, row)))
        rows = np.array([row for _, row in keys], np.int64)
        parts = np.stack(pictures), self.labels[rows], rows
        return Batch(*map(torch.from_numpy, parts))


class _EpochBatches:
    """Yields lists of (epoch, row): persistent workers hold a copy of the samples that learns of no epoch."""

    def __init__(self, count: int, batch_size: int, seed: int, shuffle: bool) -> None:
        self.count, self.batch_size, self.seed, self.shuffle = count, batch_size, seed, shuffle
        self.epoch = self.start = 0

    def __len__(self) -> int:
        return -(-self.count // self.batch_size)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        order = epoch_order(self.seed, self.epoch, self.count) if self.shuffle else np.arange(self.count)
        for first in range(self.start * self.batch_size, self.count, self.batch_size):
            yield [(self.epoch, int(row)) for row in order[first : first + self.batch_size]]


def _as_it_is(batch: Batch | Unreadable) -> Batch | Unreadable:
    return batch


def _begin_worker(number: int) -> None:
    # each worker has one core's worth of work: OpenCV's own threads would only get in the others' way
    cv2.setNumThreads(0)
