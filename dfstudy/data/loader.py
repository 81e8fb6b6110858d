"""Batches of images, exactly the same for any number of worker processes.

Takes paths, labels and a transform `transform(picture uint8 [H, W, 3], key) -> uint8 [S, S, 3]`; gives
batches of uint8 [N, S, S, 3] RGB, labels and row numbers. Images travel as uint8, a quarter of float32,
and are normalised on the device. The order of an epoch depends on (seed, epoch) alone and a sample on
(seed, epoch, row) alone, so neither workers, nor an interruption, nor decoded images kept in memory change
a byte. An image that cannot be read is refused with its name and never replaced by another. Cost: that of
decoding, in the first epoch alone where the images fit into memory, and of the transform.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Sampler
from tqdm import tqdm

from dfstudy.data.cache import build_cache
from dfstudy.data.order import EpochBatches, Pairing, epoch_order, sample_key, step_key
from dfstudy.data.samples import Batch, MixesSteps, Order, Samples, Transform, Unreadable
from dfstudy.data.shared_memory import Inbox, Outbox, Sealed
from dfstudy.errors import StudyError
from dfstudy.system.threads import count_cores, why_no_processes

# one door for those who want samples: their order and keys come along
__all__ = ["Batch", "Loader", "Transform", "count_workers", "epoch_order", "make_loader", "sample_key"]

LOWEST_PRIORITY = 19  # of a process, in POSIX's counting


def count_workers(workers: int | Literal["auto"], processes: int = 1) -> int:
    """Worker processes of one loader: a number as it is, `auto` by the cores that may be used.

    With a GPU the cores are free for images: all but one, at most 16. Without one the network needs
    them: half, at most 4. Processes that train one run side by side on this machine share its cores.
    """
    if workers != "auto":
        return workers
    cores = count_cores() // processes
    return max(1, min(cores - 1, 16)) if torch.cuda.is_available() else min(cores // 2, 4)


def make_loader(
    paths: Sequence[str | Path],
    labels: Sequence[int] | np.ndarray,
    transform: Transform,
    *,
    batch_size: int,
    workers: int | Literal["auto"],
    seed: int = 0,
    shuffle: bool = False,
    share: tuple[int, int] = (0, 1),
    sizes: np.ndarray | None = None,
    cache: Literal["auto", "off"] = "auto",
    forge: Transform | None = None,
    mixer: MixesSteps | None = None,
    pairing: Pairing | None = None,
) -> Loader:
    """A loader over images; row i is `paths[i]` with `labels[i]`.

    Args:
        paths: image files, readable by `read_picture`.
        labels: 0 real, 1 fake.
        transform: called with an image, which it must not write into, and its `sample_key`; must survive
            pickling.
        batch_size: images a batch, over all processes; the last batch holds what is left.
        workers: processes that read and transform, 0 for none, or `auto` (see `count_workers`).
        seed: of order and transform.
        shuffle: a new order each epoch; otherwise by row number.
        share: (rank, processes) where several processes train one run: of each batch this loader gives
            the rank's piece alone, in order (sizes as `numpy.array_split`), which may hold no image.
        sizes: int [N, 2], width and height of each image, as the index has them; without them none is
            kept in memory.
        cache: `auto` keeps decoded images in memory where they fit, `off` never; `Loader.cache_note`
            says what became of it.
        forge: makes a fake of a real image, called like the transform. Where it is given no fake is read:
            each fake row shows, through this alone, the image of a real row that its sample's key draws.
        mixer: mixes the samples of each batch and their labels, by the key of (seed, epoch, batch); a partner
            that belongs to another process's share is made here as well, from its own key.
        pairing: which rows shall stand in one batch of a shuffled epoch.
    """
    if len(paths) != len(labels) or not len(paths):
        raise ValueError(f"{len(paths)} paths and {len(labels)} labels: one label a path, and at least one")
    if sizes is not None and np.shape(sizes) != (len(paths), 2):
        raise ValueError(f"sizes {list(np.shape(sizes))}: width and height of each of {len(paths)} paths")
    if not 0 <= share[0] < share[1]:
        raise ValueError(f"share {share}: a rank from 0 and the number of processes above it")
    if forge is not None and not np.any(np.asarray(labels) == 0):
        raise ValueError("a forge makes fakes of real images, and no row is real")
    if forge is not None and sizes is not None:
        sizes = np.where(np.asarray(labels)[:, None] == 0, sizes, 0)  # what nobody reads needs no memory
    workers = count_workers(workers, share[1])
    start_method = _start_method() if workers else None
    if start_method and (refusal := why_no_processes(start_method)):
        _tell(f"no worker processes, as the system refuses what they need ({refusal}): this one reads all")
        workers, start_method = 0, None
    kept, note = build_cache(sizes, cache, start_method in (None, "fork"), share[1])
    samples = Samples([str(path) for path in paths], labels, transform, seed, kept, forge)
    batches = EpochBatches(len(paths), batch_size, seed, shuffle, share, pairing)
    return Loader(samples, batches, workers, start_method, note, mixer)


def _start_method() -> str:
    """How worker processes begin: forked on Linux, which starts them at once and shares the cache with them.

    Python 3.14 made another way the default there because a fork copies the state of locks that other
    threads hold; workers take none of those and never touch CUDA. A program that asked for `spawn` gets it.
    """
    chosen = multiprocessing.get_start_method(allow_none=True)
    if sys.platform == "linux" and chosen != "spawn":
        return "fork"
    return chosen or multiprocessing.get_all_start_methods()[0]


def _tell(text: str) -> None:
    """A line for the person who waits, above any bar."""
    tqdm.write(f"loader: {text}", file=sys.stderr)


class Loader:
    """Epochs of batches. Workers start with the first epoch and stay until `close`; also a `with` block.

    Attributes:
        workers: processes that read and transform; 0 where this one does it.
        cache_note: a sentence for the log: whether decoded images are kept in memory, or why not.
    """

    def __init__(
        self,
        samples: Samples,
        batches: EpochBatches,
        workers: int,
        start_method: str | None,
        cache_note: str,
        mixer: MixesSteps | None = None,
    ) -> None:
        self.workers, self.cache_note = workers, cache_note
        self._samples, self._batches = samples, batches
        self._inbox = Inbox()
        samples.outbox = Outbox(self._inbox.number)
        self._turn, self._told = 0, False
        self._running: Iterator[Batch | Unreadable] | None = None
        self._loader: DataLoader[Batch] = DataLoader(
            samples,
            batch_sampler=_Orders(batches, self._inbox, mixer),
            num_workers=workers,
            multiprocessing_context=start_method,
            collate_fn=_as_it_is,
            persistent_workers=workers > 0,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=_begin_worker if torch.cuda.is_available() else _begin_worker_beside_network,
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
            StudyError: an image cannot be read (while iterating).
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
                raise StudyError(f"{batch.path}: {batch.reason}", batch.hint)
            if self._inbox.refusal and not self._told:
                self._told = True
                _tell(
                    f"no shared memory ({self._inbox.refusal}): batches go through pipes, which is slower "
                    "(in a container, raise it: docker run --shm-size=2g)"
                )
            yield batch

    def close(self) -> None:
        """End the workers, wait for them and free the kept images; a later `epoch` would begin anew."""
        self._turn += 1
        if self._running is not None and self._loader.num_workers:
            # DataLoader has no public way to end its workers before the garbage collector does
            self._running._shutdown_workers()  # type: ignore[attr-defined]
            self._loader._iterator = None
        self._running = None
        self._inbox.clear()
        if self._samples.cache is not None:
            self._samples.cache.clear()

    def __enter__(self) -> Loader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Orders(Sampler[Order]):
    """Orders for the batches of an epoch: each is made when a worker can take it."""

    def __init__(self, batches: EpochBatches, inbox: Inbox, mixer: MixesSteps | None = None) -> None:
        self.batches, self.inbox, self.mixer = batches, inbox, mixer

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Order]:
        if self.mixer is None:
            for keys in self.batches:
                yield Order(keys, self.inbox.returned())
            return
        batches = self.batches
        for step, rows in enumerate(batches.whole(), batches.start):
            mixture = self.mixer.draw(len(rows), step_key(batches.seed, batches.epoch, step))
            keys = [(batches.epoch, int(row)) for row in batches.share(rows)]
            partners = batches.share(rows[mixture.partners]).tolist()
            yield Order(keys, self.inbox.returned(), mixture, partners)


def _as_it_is(batch: Batch | Sealed | Unreadable) -> Batch | Sealed | Unreadable:
    return batch


def _begin_worker(number: int) -> None:
    # each worker has one core's worth of work: OpenCV's own threads would only get in the others' way
    cv2.setNumThreads(0)


def _begin_worker_beside_network(number: int) -> None:
    _begin_worker(number)
    # A network on the same cores waits at each layer for its slowest thread: workers take what it leaves
    # over, and catch up where it waits for images. Measured in tests/benchmarks/bench_end_to_end.py.
    if hasattr(os, "nice"):
        os.nice(LOWEST_PRIORITY)
